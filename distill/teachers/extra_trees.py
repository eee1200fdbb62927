"""Extremely randomised trees as teacher for columns (Geurts, Ernst and Wehenkel, 2006)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from distill.data.rows import Dataset, Rows
from distill.recipe.schema import Teacher as Config
from distill.teachers import columns, scikit_learn, workload
from distill.teachers.teacher import Unfitted

_TREES = 100
_SETTINGS = (
    {"min_samples_leaf": 3, "max_features": "sqrt"},
    {"min_samples_leaf": 3, "max_features": 0.5},
    {"min_samples_leaf": 8, "max_features": 0.5},
)


class Smoothed(ExtraTreesClassifier):  # type: ignore[misc]
    """The mean of the trees and of one that knows nothing: no row is impossible because no tree has seen its like."""

    def predict_proba(self, table: np.typing.NDArray[np.generic]) -> scikit_learn.Floats:
        """Probabilities [N,K]."""
        found: scikit_learn.Floats = super().predict_proba(table)
        smoothed: scikit_learn.Floats = (found * self.n_estimators + 1 / found.shape[1]) / (self.n_estimators + 1)
        return smoothed


def prepare(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """Trees on labelled rows. The setting is chosen on validation rows."""
    classes, inputs = len(dataset.labels), dataset.inputs

    def fit(rows: Rows, setting: scikit_learn.Setting) -> scikit_learn.ScikitLearnModel:
        read = partial(columns.table, inputs, columns.codes(inputs, rows))
        trees = Smoothed(_TREES, **setting, random_state=seed)
        return scikit_learn.ScikitLearnModel(trees.fit(read(rows), rows.labels), read, classes, setting)

    size = workload.size_of(dataset)
    seconds = workload.forest(size, _TREES, (size.columns**0.5, size.columns / 2, size.columns / 2))
    description = "extremely randomised trees (scikit-learn)"
    return scikit_learn.unfitted(description, __name__, dataset, _SETTINGS, fit, seconds=seconds)
