"""A teacher of scikit-learn's: its setting is chosen once, on validation rows, and every fold is fitted with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from distill import cache
from distill.data.rows import Dataset, Rows
from distill.progress import track
from distill.teachers.teacher import Model, Unfitted

FILE = "fitted.joblib"
_COMPRESSION = 3  # of a forest a fifth is left
SMALLEST_PROBABILITY = 1e-6
FULL = "full"  # the part of all training rows

Setting = Mapping[str, object]
Floats = np.typing.NDArray[np.float64]


class Estimator(Protocol):
    """A fitted classifier of scikit-learn's."""

    classes_: np.typing.NDArray[np.int64]

    def predict_proba(self, table: np.typing.NDArray[np.generic]) -> Floats:
        """Probabilities [N, classes that training showed]."""


@dataclass(frozen=True)
class ScikitLearnModel:
    """A fitted estimator, what reads its table from rows, and the setting that it was fitted with."""

    estimator: Estimator
    read: Callable[[Rows], np.typing.NDArray[np.generic]]
    classes: int
    setting: Setting

    def logits(self, rows: Rows) -> np.typing.NDArray[np.float32]:
        """Log-probabilities [N,K]; a class that training never showed gets the smallest."""
        return of_probabilities(self.estimator, self.estimator.predict_proba(self.read(rows)), self.classes)

    def call_one(self, rows: Rows, place: int) -> None:
        """Raw input to probabilities for one row."""
        self.logits(rows.take(np.array([place])))


def of_probabilities(estimator: Estimator, found: Floats, classes: int) -> np.typing.NDArray[np.float32]:
    """Log-probabilities [N,K] of what an estimator says of the classes that it knows."""
    found = found[:, : len(estimator.classes_)]  # of one class alone, some give two columns
    probabilities = np.full((len(found), classes), SMALLEST_PROBABILITY)
    probabilities[:, estimator.classes_] = np.maximum(found, SMALLEST_PROBABILITY)
    logits: np.typing.NDArray[np.float32] = np.log(probabilities / probabilities.sum(axis=1, keepdims=True)).astype(
        np.float32
    )
    return logits


def log_loss(logits: np.typing.NDArray[np.float32], labels: np.typing.NDArray[np.int64]) -> float:
    """Mean negative log-likelihood of labels [N] under log-probabilities [N,K]."""
    return -float(logits[np.arange(len(labels)), labels].astype(np.float64).mean())


def unfitted(
    description: str,
    module: str,
    dataset: Dataset,
    settings: Iterable[Setting],
    fit: Callable[[Rows, Setting], ScikitLearnModel],
    refine: Callable[[ScikitLearnModel, Rows], tuple[Setting, float]] | None = None,
    threads: int | None = 1,
    seconds: float = 0.0,
    too_long: str = "",
) -> Unfitted:
    """A teacher of scikit-learn's before it is fitted.

    `module`: whose code caches follow. `fit`: rows and a setting -> the model. `refine`: a fitted model and validation
    rows -> a better setting nearby and its loss, such as fewer trees. `threads`: waiting threads spin, so on a busy
    machine a small table on several takes minutes instead of seconds. `seconds` and `too_long`: see `Unfitted`.
    """

    def chosen(rows: Rows, name: str) -> ScikitLearnModel:
        best, least = None, np.inf
        for setting in track(list(settings), name):
            model = fit(rows, setting)
            if refine is not None:
                found, loss = refine(model, dataset.validation)
            else:
                found, loss = setting, log_loss(model.logits(dataset.validation), dataset.validation.labels)
            if best is None or loss < least - 1e-9:
                best, least = (model, found), loss
        if best is None:
            raise ValueError("a teacher without a setting cannot be fitted")
        model, setting = best
        return model if setting == model.setting else fit(rows, setting)

    def fit_part(rows: Rows, part: str, folder_of: Callable[[str], Path], name: str) -> Model:
        path = folder_of(part) / FILE
        # Written by this module into the user's own cache.
        found: ScikitLearnModel | None = cache.stored(path, joblib.load)
        if found is not None:
            return found
        with threadpool_limits(threads):
            if part == FULL:
                model = chosen(rows, name)
            else:
                whole = fit_part(dataset.train.take(dataset.train.labelled), FULL, folder_of, name)
                assert isinstance(whole, ScikitLearnModel)  # noqa: S101 - this function made it
                model = fit(rows, whole.setting)
        with cache.replacing(path) as temporary:
            joblib.dump(model, temporary, compress=_COMPRESSION)
        return model

    return Unfitted(
        description=description,
        licence="BSD-3-Clause (scikit-learn)",
        weights_sha256=None,
        versions=cache.versions("scikit-learn", "numpy"),
        identity=(cache.code(module),),
        fit=fit_part,
        file=lambda folder: folder / FILE,
        seconds=seconds,
        too_long=too_long,
    )
