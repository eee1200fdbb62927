"""From a recipe's teacher section and training rows to a fitted teacher, kept by content hash."""

from __future__ import annotations

import json
from pathlib import Path

from distill import cache
from distill.data.keys import fold_of
from distill.data.rows import Dataset, Rows
from distill.errors import RecipeError
from distill.recipe.schema import Teacher as Config
from distill.teachers.register import TEACHERS
from distill.teachers.teacher import Model, Teacher

_STAGE = "teacher"


def fit(config: Config, dataset: Dataset, folds: int, seed: int, base: Path) -> Teacher:
    """Fit the teacher on the labelled training rows, and once more without each fold.

    `base`: the recipe's folder, where a relative `teacher.model` is looked for first.

    Raises:
        RecipeError: there is no such kind of teacher.
        FetchError: an encoder's weights cannot be had.
        DataError: a precomputed teacher says nothing about test rows.
    """
    if config.kind is None or config.kind not in TEACHERS:
        raise RecipeError(f"teacher.kind is {config.kind!r}, wanted one of {', '.join(TEACHERS)}.")
    unfitted = TEACHERS[config.kind](config, dataset, seed, base)
    settings = json.loads(config.model_dump_json(exclude={"model", "sha256", "runs"}))
    parts = [settings, dataset.fingerprint, cache.code(__name__), *unfitted.identity, dict(unfitted.versions), seed]
    train = dataset.train.take(dataset.train.labelled)

    def folder_of(part: str) -> Path:
        # The full model is the same whether or not folds are made beside it.
        return cache.root() / "teachers" / cache.key(_STAGE, *parts, part)

    def one(rows: Rows, part: str) -> Model:
        return unfitted.fit(rows, part, folder_of, "teacher" if part == "full" else f"teacher, {part}")

    full = one(train, "full")
    places = fold_of(train, folds)
    apart = folds if folds > 1 and unfitted.file else 0
    return Teacher(
        id=cache.key(_STAGE, *parts, config.runs, folds),
        description=unfitted.description,
        licence=unfitted.licence,
        weights_sha256=unfitted.weights_sha256,
        versions=unfitted.versions,
        kilobytes=unfitted.file(folder_of("full")).stat().st_size / 1000 if unfitted.file else None,
        full=full,
        folds=tuple(one(train.take(places != i), f"fold {i + 1} of {folds}") for i in range(apart)),
    )
