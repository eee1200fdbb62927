"""Gradient-boosted trees as teacher for columns: scikit-learn's histogram boosting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from distill.data.rows import Dataset, Rows
from distill.recipe.schema import Teacher as Config
from distill.teachers import columns, scikit_learn, workload
from distill.teachers.teacher import Unfitted

# Tried in this order on validation rows; the first of equals wins.
_SETTINGS: tuple[Mapping[str, float], ...] = (
    {"learning_rate": 0.1, "max_leaf_nodes": 15, "l2_regularization": 1.0, "max_iter": 200},
    {"learning_rate": 0.05, "max_leaf_nodes": 31, "l2_regularization": 1.0, "max_iter": 200},
    {"learning_rate": 0.05, "max_leaf_nodes": 8, "l2_regularization": 0.0, "max_iter": 200},
)
_WORTH_THREADS = 2_000_000  # cells
_SHARE = 0.5  # of `teacher.max_minutes` that boosting may take
_FEWEST_ROUNDS = 100  # with which it is still worth its time
_FASTEST = 0.3  # learning rate


@dataclass(frozen=True)
class Plan:
    """What is tried of trees on a table of some size, and how long that takes."""

    settings: tuple[scikit_learn.Setting, ...]
    seconds: float
    too_long: str = ""


def plan(size: workload.Size, max_minutes: float) -> Plan:
    """All settings, or where they take too long the first alone, with fewer rounds that each learn more.

    Every round grows a tree a class: 200 rounds of 500 classes are 100,000 trees a fit.
    """
    limit = max_minutes * 60 * _SHARE
    leaves = tuple(int(setting["max_leaf_nodes"]) for setting in _SETTINGS)
    rounds = int(_SETTINGS[0]["max_iter"])
    whole = workload.boosted_trees(size, leaves, rounds)
    if whole <= limit:
        return Plan(_SETTINGS, whole)
    alone = workload.boosted_trees(size, leaves[:1], rounds)
    fewer = max(_FEWEST_ROUNDS, min(rounds, int(rounds * limit / alone)))
    rate = min(_FASTEST, float(_SETTINGS[0]["learning_rate"]) * rounds / fewer)
    seconds = workload.boosted_trees(size, leaves[:1], fewer)
    too_long = (
        f"boosted trees of {size} take about {workload.in_words(seconds)}, and are left out: each round grows a tree a "
        f"class. To have them, set teacher.max_minutes to {math.ceil(seconds / 60 / _SHARE)} or more"
    )
    reduced = {**_SETTINGS[0], "max_iter": fewer, "learning_rate": round(rate, 3)}
    return Plan((reduced,), seconds, too_long if seconds > limit else "")


def prepare(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """Trees on labelled rows. The setting, and the number of trees, are chosen on validation rows.

    Where there are so many classes that this takes more than its share of `teacher.max_minutes`, one setting is tried.
    """
    found = plan(workload.size_of(dataset), config.max_minutes)
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
    return scikit_learn.unfitted(
        description, __name__, dataset, found.settings, fit, fewer, threads, found.seconds, found.too_long
    )
