"""Gradient-boosted trees as teacher for columns: scikit-learn's histogram boosting."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from distill import cache
from distill.data.rows import Dataset, Rows
from distill.privacy.disclosure import MIN_ROWS
from distill.progress import track
from distill.recipe.schema import Teacher as Config
from distill.teachers.teacher import Unfitted
from handler.bundle.contract import Input

FILE = "fitted.pickle"
# Tried in this order on validation rows; the first of equals wins.
_SETTINGS = (
    {"learning_rate": 0.1, "max_leaf_nodes": 15, "l2_regularization": 1.0},
    {"learning_rate": 0.05, "max_leaf_nodes": 31, "l2_regularization": 1.0},
    {"learning_rate": 0.05, "max_leaf_nodes": 8, "l2_regularization": 0.0},
)
_WORTH_THREADS = 2_000_000  # cells
_MAX_CATEGORIES = 254  # the library's bound on bins, less one for what is unknown
_SMALLEST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class TreesModel:
    """Fitted trees and the codes of their categories."""

    trees: HistGradientBoostingClassifier
    inputs: tuple[Input, ...]
    codes: dict[str, dict[str, int]]
    classes: int

    def logits(self, rows: Rows) -> np.typing.NDArray[np.float32]:
        """Log-probabilities [N,K]; a class that training never showed gets the smallest."""
        found = self.trees.predict_proba(_table(self.inputs, self.codes, rows))
        found = found[:, : len(self.trees.classes_)]  # of one class alone, the library still gives two columns
        probabilities = np.full((len(rows), self.classes), _SMALLEST_PROBABILITY)
        probabilities[:, self.trees.classes_] = np.maximum(found, _SMALLEST_PROBABILITY)
        logits: np.typing.NDArray[np.float32] = np.log(probabilities).astype(np.float32)
        return logits

    def call_one(self, rows: Rows, place: int) -> None:
        """Columns to probabilities for one row."""
        self.logits(rows.take(np.array([place])))


def prepare(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """Trees on labelled rows. The setting is chosen on validation rows."""

    def fit(rows: Rows, part: str, folder_of: Callable[[str], Path], name: str) -> TreesModel:
        path = folder_of(part) / FILE
        # Written by this module into the user's own cache.
        found: TreesModel | None = cache.stored(path, lambda file: pickle.loads(file.read_bytes()))
        if found is not None:
            return found
        # Waiting threads spin: on a busy machine a small table on several threads takes minutes instead of seconds.
        with threadpool_limits(1 if len(rows) * len(dataset.inputs) < _WORTH_THREADS else None):
            model = _fitted(dataset.inputs, rows, dataset.validation, len(dataset.labels), seed, name)
        with cache.replacing(path) as temporary:
            temporary.write_bytes(pickle.dumps(model))
        return model

    return Unfitted(
        description="histogram gradient boosting (scikit-learn)",
        licence="BSD-3-Clause (scikit-learn)",
        weights_sha256=None,
        versions=cache.versions("scikit-learn", "numpy"),
        identity=(cache.code(__name__),),
        fit=fit,
        file=lambda folder: folder / FILE,
    )


def _fitted(inputs: tuple[Input, ...], train: Rows, validation: Rows, classes: int, seed: int, name: str) -> TreesModel:
    codes = {column.name: _codes(train.columns[column.name].tolist()) for column in inputs if column.dtype == "string"}
    categorical = [column.dtype == "string" for column in inputs]
    table, held = _table(inputs, codes, train), _table(inputs, codes, validation)
    best, best_loss = None, np.inf
    for setting in track(_SETTINGS, name):
        trees = HistGradientBoostingClassifier(
            **setting, max_iter=200, early_stopping=False, categorical_features=categorical, random_state=seed
        )
        model = TreesModel(trees.fit(table, train.labels), inputs, codes, classes)
        # The number of trees, too, is chosen on validation rows: by their mean negative log-likelihood.
        for count, loss in enumerate(_losses(model, held, validation.labels), start=1):
            if loss < best_loss - 1e-9:
                best_loss, best = loss, {**setting, "max_iter": count}
    trees = HistGradientBoostingClassifier(
        **(best or {}), early_stopping=False, categorical_features=categorical, random_state=seed
    )
    return TreesModel(trees.fit(table, train.labels), inputs, codes, classes)


def _losses(model: TreesModel, held: np.typing.NDArray[np.float64], labels: np.typing.NDArray[np.int64]) -> list[float]:
    places = np.minimum(np.searchsorted(model.trees.classes_, labels), len(model.trees.classes_) - 1)
    known = model.trees.classes_[places] == labels
    staged = (answers[np.arange(len(labels)), places] for answers in model.trees.staged_predict_proba(held))
    right = (np.where(known, answers, 0) for answers in staged)
    return [float(-np.log(np.maximum(answers, _SMALLEST_PROBABILITY)).mean()) for answers in right]


def _codes(values: list[str]) -> dict[str, int]:
    ranked = sorted((-rows, value) for value, rows in Counter(values).items() if rows >= MIN_ROWS and value)
    return {value: place for place, (_, value) in enumerate(ranked[: _MAX_CATEGORIES - 1])}


def _table(inputs: tuple[Input, ...], codes: dict[str, dict[str, int]], rows: Rows) -> np.typing.NDArray[np.float64]:
    columns = []
    for column in inputs:
        values = rows.columns[column.name]
        if column.dtype == "string":
            known = codes[column.name]
            values = np.array(
                [np.nan if value == "" else known.get(value, len(known)) for value in values.tolist()], dtype=np.float64
            )
        columns.append(np.where(np.isinf(values.astype(np.float64)), np.nan, values.astype(np.float64)))
    return np.stack(columns, axis=1)
