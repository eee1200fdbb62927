"""Evidence on few rows: the whole line again and again, so that every row is judged by what never saw it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from distill.data import cross_fit
from distill.data.rows import Dataset, Rows, concatenated
from distill.evaluation import novelty_auroc
from distill.evaluation.contenders import Contender, Floats
from distill.evaluation.cross_fitted import CrossFitted
from distill.evaluation.novelty_auroc import Novelty
from distill.pipeline import assess, build_student, model_selection, training_inputs
from distill.progress import quiet, say
from distill.recipe.schema import Recipe

FEW_ROWS, VERY_FEW_ROWS = 2000, 300  # labelled


def repeats(recipe: Recipe, rows: Dataset) -> int:
    """How often every row is judged by cross-fitting; 0: one split judges."""
    count = sum(int(part.labelled.sum()) for part in (rows.train, rows.validation, rows.test))
    if recipe.evaluation.repeats is not None:
        return recipe.evaluation.repeats
    known = rows.test.teacher_probabilities is None or all(
        not np.isnan(part.teacher_probabilities[part.labelled]).any()  # type: ignore[index]
        for part in (rows.train, rows.validation)
    )
    if recipe.data.split is not None or recipe.evaluation.held_out_group is not None or count >= FEW_ROWS or not known:
        return 0
    return 2 if count < VERY_FEW_ROWS else 1


def judge(recipe: Recipe, rows: Dataset, base: Path, times: int) -> CrossFitted:
    """Teacher, student, twin and baseline, each made `times` x FOLDS times and asked about the fold it never saw.

    Raises:
        DistillError: see `distill.errors`.
    """
    every = concatenated([rows.train, rows.validation, rows.test])
    every = every.take(every.labelled)
    place = {key: i for i, key in enumerate(every.keys.tolist())}
    answers: dict[str, Floats] = {}
    shown: dict[str, Contender] = {}
    novelty: Novelty | None = None
    parts = [(repeat, part) for repeat in range(times) for part in cross_fit.splits(rows, repeat)]
    say(f"  every row is judged by a student that never saw it: {len(parts)} times the whole line")
    began = time.monotonic()
    for done, (repeat, part) in enumerate(parts):
        left = f", about {(time.monotonic() - began) / done * (len(parts) - done):.0f} s left" if done else ""
        say(f"  fold {done + 1} of {len(parts)}{left}")
        with quiet():
            inputs = training_inputs.prepare(part, recipe.teacher, recipe.transfer, recipe.seed, base)
            trained = model_selection.selected(inputs, recipe)
            contenders = _contenders(inputs, trained, recipe)
        index = np.array([place[key] for key in part.test.keys.tolist()]) + repeat * len(every)
        for one in contenders:
            shown.setdefault(one.name, one)
            into = answers.setdefault(one.name, np.zeros((times * len(every), len(rows.labels))))
            into[index] = one.probabilities
        if novelty is None:
            contrast = novelty_auroc.contrast(inputs.modality, replace(part, test=_alone(part.test)), None, recipe.seed)
            novelty = novelty_auroc.judge(trained.calibrated.graph, contrast, recipe.seed)
    assert novelty is not None  # noqa: S101 - there is a first fold
    whole = {name: replace(one, probabilities=answers[name]) for name, one in shown.items()}
    student = whole.pop("student")
    often = {1: "", 2: ", twice"}.get(times, f", {times} times")
    words = (
        f"each of {len(every):,} rows was judged by a student that never saw it, in {cross_fit.FOLDS} folds{often}; "
        "the student of this bundle learns from all of them"
    )
    return CrossFitted(every, times, student, tuple(whole.values()), novelty, words)


def _contenders(
    inputs: training_inputs.TrainingInputs, trained: build_student.TrainedStudent, recipe: Recipe
) -> tuple[Contender, ...]:
    """Student, teacher, twin, baseline and majority class on the test rows of one split."""
    test = inputs.rows.test
    with tempfile.TemporaryDirectory() as folder:
        staged = assess.stage(inputs, trained, recipe.serving, folder)
        student = assess.student("student", trained, staged, test, is_timed=False)
    teacher, baseline = assess.references(inputs, test)
    twin = assess.twin(inputs, build_student.twin(inputs, trained.draft), test)
    return (student, teacher, twin, baseline, assess.majority(inputs, test))


def _alone(rows: Rows) -> Rows:
    """The rows without their groups, of which no fold is left out."""
    return replace(rows, groups=None)
