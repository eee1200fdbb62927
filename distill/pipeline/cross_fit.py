"""Cross-fitting: the pipeline runs once a fold, so that each of few rows is judged by models that never saw it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from distill.data import cross_fit_splits
from distill.data.keys import source_of
from distill.data.rows import Dataset, Rows, concatenated
from distill.errors import DataError
from distill.evaluation import novelty_auroc
from distill.evaluation.contenders import Contender, Floats
from distill.evaluation.cross_fitted import CrossFitted
from distill.evaluation.novelty_auroc import Novelty
from distill.pipeline import assess, model_selection, training_inputs
from distill.progress import quiet, say, waiting
from distill.recipe.public_sets import CATALOGUE
from distill.recipe.schema import Recipe

FEW_ROWS, VERY_FEW_ROWS = 2000, 300  # labelled

Beside: TypeAlias = Callable[[training_inputs.TrainingInputs], Sequence[Contender]]


def repeats(recipe: Recipe, rows: Dataset) -> int:
    """How often every row is judged by cross-fitting; 0: one split judges.

    Raises:
        DataError: the recipe asks for more than rows that belong together allow.
    """
    count = sum(int(part.labelled.sum()) for part in (rows.train, rows.validation, rows.test))
    asked, families = recipe.evaluation.repeats, cross_fit_splits.fewest_families(rows)
    if asked and families < cross_fit_splits.FOLDS:
        raise DataError(
            f"evaluation.repeats is {asked}, for which rows are split into {cross_fit_splits.FOLDS} folds, and a class "
            f"stands in {families} groups or families of near copies alone, which stay whole. Set it to 0."
        )
    if asked is not None:
        return asked
    known = rows.test.teacher_probabilities is None or all(
        not np.isnan(part.teacher_probabilities[part.labelled]).any()  # type: ignore[index]
        for part in (rows.train, rows.validation)
    )
    split = (
        families < cross_fit_splits.FOLDS
        or rows.given_split
        or any(it.own_split for it in CATALOGUE if it.name == recipe.data.source)
    )
    if split or recipe.evaluation.held_out_group is not None or count >= FEW_ROWS or not known:
        return 0
    return 2 if count < VERY_FEW_ROWS else 1


def judge(recipe: Recipe, rows: Dataset, base: Path, times: int, beside: Beside | None = None) -> CrossFitted:
    """Teacher, student, twin and baseline, each made `times` x FOLDS times and asked about the fold it never saw.

    Latency is measured in the first fold. `beside`: whoever else is asked about each fold's test rows.

    Raises:
        DistillError: see `distill.errors`.
    """
    every = concatenated([rows.train, rows.validation, rows.test])
    every = every.take(every.labelled)
    place = {key: i for i, key in enumerate(every.keys.tolist())}
    answers: dict[str, Floats] = {}
    temperatures = np.ones((times * len(every), 1))
    shown: dict[str, Contender] = {}
    novelty: Novelty | None = None
    parts = [(repeat, part) for repeat in range(times) for part in cross_fit_splits.splits(rows, repeat)]
    say(f"  cross-fitting: every row is judged by a student that never saw it, so the pipeline runs {len(parts)} times")
    began = time.monotonic()
    for done, (repeat, part) in enumerate(parts):
        left = f", about {(time.monotonic() - began) / done * (len(parts) - done):.0f} s left" if done else ""
        say(f"  fold {done + 1} of {len(parts)}{left}")
        with waiting(f"fold {done + 1} of {len(parts)}"), quiet():
            inputs = training_inputs.prepare(part, recipe.teacher, recipe.transfer, recipe.seed, base, recipe.costs)
            trained = model_selection.selected(inputs, recipe, or_nearest=True)
            contenders = (
                *assess.side_by_side(inputs, trained, recipe.serving, is_timed=not done),
                *(beside(inputs) if beside else ()),
            )
        index = np.array([place[key] for key in part.test.keys.tolist()]) + repeat * len(every)
        temperatures[index] = trained.calibrated.temperature
        for one in contenders:
            shown.setdefault(one.name, one)
            into = answers.setdefault(one.name, np.zeros((times * len(every), len(rows.labels))))
            into[index] = one.probabilities
        if novelty is None:
            contrast = novelty_auroc.contrast(inputs.modality, replace(part, test=_alone(part.test)), None, recipe.seed)
            novelty = novelty_auroc.judge(trained.calibrated.graph, contrast, recipe.seed, inputs.modality.feeds)
    assert novelty is not None  # noqa: S101 - there is a first fold
    whole = {name: replace(one, probabilities=answers[name]) for name, one in shown.items()}
    student = whole.pop("student")
    often = {1: "", 2: ", twice"}.get(times, f", {times} times")
    folds = f"{cross_fit_splits.FOLDS} folds{often}"
    are_tied = len({source_of(key) for key in every.keys.tolist()}) < len(every)
    nor = ", nor a row of its group or a near copy" if are_tied else ""
    words = (
        f"each of {len(every):,} rows was judged by a student that never saw it{nor}, in {folds}; "
        "the student of this bundle learns from all of them"
    )
    return CrossFitted(every, times, student, tuple(whole.values()), temperatures, novelty, words)


def _alone(rows: Rows) -> Rows:
    """The rows without their groups, of which no fold is left out."""
    return replace(rows, groups=None)
