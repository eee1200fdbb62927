"""Gradient-boosted trees as teacher for columns: scikit-learn's histogram boosting."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from distill.data.rows import Dataset, Rows
from distill.recipe.schema import Teacher as Config
from distill.teachers import columns, scikit_learn
from distill.teachers.teacher import Unfitted

# Tried in this order on validation rows; the first of equals wins.
_SETTINGS = (
    {"learning_rate": 0.1, "max_leaf_nodes": 15, "l2_regularization": 1.0, "max_iter": 200},
    {"learning_rate": 0.05, "max_leaf_nodes": 31, "l2_regularization": 1.0, "max_iter": 200},
    {"learning_rate": 0.05, "max_leaf_nodes": 8, "l2_regularization": 0.0, "max_iter": 200},
)
_WORTH_THREADS = 2_000_000  # cells


def prepare(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """Trees on labelled rows. The setting, and the number of trees, are chosen on validation rows."""
    classes, inputs = len(dataset.labels), dataset.inputs

    def fit(rows: Rows, setting: scikit_learn.Setting) -> scikit_learn.ScikitLearnModel:
        read = partial(columns.table, inputs, columns.codes(inputs, rows))
        categorical = [column.dtype == "string" for column in inputs]
        trees = HistGradientBoostingClassifier(
            **setting, early_stopping=False, categorical_features=categorical, random_state=seed
        )
        return scikit_learn.ScikitLearnModel(trees.fit(read(rows), rows.labels), read, classes, setting)

    def fewer(model: scikit_learn.ScikitLearnModel, held: Rows) -> tuple[scikit_learn.Setting, float]:
        staged = model.estimator.staged_predict_proba(model.read(held))  # type: ignore[attr-defined]
        answers = (scikit_learn.of_probabilities(model.estimator, found, classes) for found in staged)
        losses = [scikit_learn.log_loss(found, held.labels) for found in answers]
        count = int(np.argmin(losses))
        return {**model.setting, "max_iter": count + 1}, losses[count]

    cells = len(dataset.train) * len(inputs)
    threads = 1 if cells < _WORTH_THREADS else None
    description = "histogram gradient boosting (scikit-learn)"
    return scikit_learn.unfitted(description, __name__, dataset, _SETTINGS, fit, fewer, threads)
