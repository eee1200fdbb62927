"""Logistic regression as teacher: on words and runs of characters of texts, or on scaled and one-hot columns."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from distill.data.rows import Dataset, Rows
from distill.recipe.schema import Teacher as Config
from distill.teachers import linear_features, scikit_learn
from distill.teachers.teacher import Unfitted
from handler.bundle.contract import Input

STRENGTHS = (0.1, 1.0, 3.0, 10.0, 30.0)  # scikit-learn's C: the larger, the less it is held back
_OF_TEXTS, _OF_COLUMNS = (3.0, 10.0, 30.0), (0.1, 1.0, 10.0)
# Of 200,000 terms and 20 classes an exact optimum takes three times as long, for 0.01 of log loss.
_TOLERANCE, _MAX_ITERATIONS = 1e-3, 60

Features = Callable[[tuple[Input, ...]], Any]  # a scikit-learn transformer
Table = Callable[[tuple[Input, ...], Rows], np.typing.NDArray[np.generic]]  # rows as the transformer reads them


def of_texts(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """TF-IDF of words, pairs and runs of characters. The strength is chosen on validation rows."""
    parts = (linear_features.of_words_and_characters, linear_features.texts)
    return _prepared("TF-IDF (words, pairs, characters) + logistic regression", *parts, dataset, _OF_TEXTS)


def of_columns(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """Scaled and one-hot columns. The strength is chosen on validation rows."""
    parts = (linear_features.of_columns, linear_features.cells)
    return _prepared("logistic regression on scaled and one-hot columns", *parts, dataset, _OF_COLUMNS)


def fitted(features: object, strength: float, table: object, labels: np.typing.NDArray[np.int64]) -> Pipeline:
    """A fitted pipeline of `features`, a transformer not yet fitted, and a regression of this strength."""
    regression = LogisticRegression(C=strength, tol=_TOLERANCE, max_iter=_MAX_ITERATIONS)
    # Of few rows all that are left without a fold may be of one class.
    pipeline = make_pipeline(features, regression if len(np.unique(labels)) > 1 else DummyClassifier())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return pipeline.fit(table, labels)


def _prepared(
    description: str, features: Features, table: Table, dataset: Dataset, strengths: Sequence[float]
) -> Unfitted:
    def fit(rows: Rows, setting: scikit_learn.Setting) -> scikit_learn.ScikitLearnModel:
        read = partial(table, dataset.inputs)
        pipeline = fitted(features(dataset.inputs), float(str(setting["C"])), read(rows), rows.labels)
        return scikit_learn.ScikitLearnModel(pipeline, read, len(dataset.labels), setting)

    return scikit_learn.unfitted(description, __name__, dataset, [{"C": it} for it in strengths], fit)
