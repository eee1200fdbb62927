"""From a recipe's teacher section and training rows to a fitted teacher, kept by content hash."""

from __future__ import annotations

import json
from pathlib import Path, PurePath

import numpy as np
import sklearn

from distill import cache
from distill.data.keys import fold_of
from distill.data.rows import Dataset, Rows
from distill.errors import DataError
from distill.recipe.schema import Teacher as Config
from distill.teachers import boosted_trees, encoder, model_soup, weights
from distill.teachers.frozen_features import Features
from distill.teachers.precomputed import PrecomputedModel
from distill.teachers.teacher import Model, Teacher

_STAGE = "teacher/1"


def fit(config: Config, dataset: Dataset, folds: int, seed: int, base: Path) -> Teacher:
    """Fit the teacher on the labelled training rows, and once more without each fold.

    `base`: the recipe's folder, where a relative `teacher.model` is looked for first.

    Raises:
        FetchError: an encoder's weights cannot be had.
        DataError: a precomputed teacher says nothing about test rows.
    """
    found = weights.find(config.model, config.sha256, base) if config.kind == "encoder" else None
    settings = json.loads(config.model_dump_json(exclude={"model", "sha256", "runs"}))
    parts = [settings, dataset.fingerprint, found.id if found else sklearn.__version__, seed, folds]
    identity = cache.key(_STAGE, *parts, *_more_than_one(config.runs))
    if config.kind == "precomputed":
        return _precomputed(dataset, identity)
    train = dataset.train.take(dataset.train.labelled)

    features = Features(found, config, train) if found else None

    def folder_of(part: str) -> Path:
        # The full model is the same whether or not folds are made beside it.
        return cache.root() / "teachers" / cache.key(_STAGE, *parts[:-1], part)

    def one(rows: Rows, part: str) -> Model:
        folder = folder_of(part)
        name = "teacher" if part == "full" else f"teacher, {part}"
        if found is not None:
            shape = (dataset.validation, len(dataset.labels), seed)
            first = encoder.fit(config, found, rows, *shape, folder, name, features)
            if config.runs == 1:
                return first
            places = {run: (folder_of(f"{part}, run {run}"), f"{name}, run {run + 1}") for run in range(1, config.runs)}
            others = [encoder.fit(config, found, rows, *shape, *place, features, run) for run, place in places.items()]
            return model_soup.mean([first, *others], dataset.validation, folder_of(f"{part}, {config.runs} runs"), name)
        return boosted_trees.fit(dataset.inputs, rows, dataset.validation, len(dataset.labels), seed, folder, name)

    full = one(train, "full")
    stored = found.folder / weights.FILE if found else folder_of("full") / boosted_trees.FILE
    places = fold_of(train, folds)
    return Teacher(
        id=identity,
        description=_description(config),
        licence=found.licence if found else "BSD-3-Clause (scikit-learn)",
        weights_sha256=found.sha256 if found else None,
        kilobytes=stored.stat().st_size / 1000,
        full=full,
        folds=tuple(one(train.take(places != i), f"fold {i + 1} of {folds}") for i in range(folds))
        if folds > 1
        else (),
    )


def _precomputed(dataset: Dataset, identity: str) -> Teacher:
    known = dataset.test.teacher_probabilities
    if known is None or np.isnan(known).any():
        missing = len(dataset.test) if known is None else int(np.isnan(known).any(axis=1).sum())
        raise DataError(
            f"{missing} of {len(dataset.test)} test rows carry no teacher's probabilities, and retention is judged on "
            "all of them. Have the teacher label every row that has a gold label."
        )
    return Teacher(identity, "precomputed probabilities", "as its owner states", None, None, PrecomputedModel())


def _description(config: Config) -> str:
    if config.kind == "boosted_trees":
        return "histogram gradient boosting (scikit-learn)"
    model = PurePath(config.model).name  # of a folder its name alone: a bundle holds no local path
    if config.mode == "frozen":
        return f"{model}, frozen, with an MLP head"
    which = "all layers" if config.train_layers is None else f"last layers ({config.train_layers})"
    runs = f", mean or best of {config.runs} runs" if config.runs > 1 else ""
    return f"{model}, {which} fine-tuned for {config.epochs} epochs{runs}"


def _more_than_one(runs: int) -> tuple[int, ...]:
    """What the number of runs adds to a key: nothing for one, so that the first of several is found again."""
    return (runs,) if runs > 1 else ()
