"""A finished student before its judges: staged, put beside its rivals on the same rows, and held to the gates."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from distill.data.rows import Dataset
from distill.evaluation import baseline, evaluate, gates
from distill.evaluation.evaluate import Candidate, Rival
from distill.evaluation.evidence import Evidence, GateResult
from distill.evaluation.novelty_auroc import Novelty
from distill.graph import calibrate
from distill.packaging import bundle
from distill.packaging.bundle import Staged
from distill.pipeline import build_student
from distill.pipeline.build_student import Made
from distill.pipeline.training_inputs import Lesson
from distill.training import train
from distill.training.train import Student

_TIMED_TEACHER_ROWS = 60
_TIMED_BASELINE_ROWS = 200
_CHOOSING_RESAMPLES = 100


def judged(lesson: Lesson, made: Made, staged: Staged, twin: Student | None, novelty: Novelty) -> Evidence:
    """The evidence on the lesson's test rows, through the predictor that ships."""
    recipe, rows = lesson.recipe, lesson.rows
    candidate = Candidate(
        predictor=staged.predictor(),
        description=made.description,
        kilobytes=staged.kilobytes,
        temperature=made.calibrated.temperature,
        torch_logits=train.logits(made.student, rows.test),
        float_logits=calibrate.run(made.exported, rows.test)[0],
    )
    rivals = _rivals(lesson, twin)
    return evaluate.run(candidate, rivals, novelty, rows, recipe.evaluation.bootstrap, recipe.seed)


def on_validation(lesson: Lesson, made: Made) -> tuple[GateResult, ...]:
    """The recipe's gates on validation rows, where choices are made.

    The calibration was fitted on these rows, so `max_ece` is kept more easily here than on test rows.
    """
    asked = lesson.recipe.gates.min_gain_over_twin is not None
    twin = build_student.twin(lesson, made) if asked else None
    few = lesson.recipe.evaluation.model_copy(update={"bootstrap": _CHOOSING_RESAMPLES})
    held = replace(
        lesson,
        recipe=lesson.recipe.model_copy(update={"evaluation": few}),
        rows=replace(lesson.rows, test=lesson.rows.validation),
    )
    with tempfile.TemporaryDirectory() as folder:
        staged = bundle.stage(made.calibrated, lesson.rows, lesson.recipe.serving, lesson.recipe.name, Path(folder))
        evidence = judged(held, made, staged, twin, Novelty("not judged", None, None))
    return gates.check(evidence, lesson.recipe.gates)


def lacking(results: Sequence[GateResult]) -> tuple[GateResult, ...]:
    """The gates that failed."""
    return tuple(result for result in results if not result.passed)


def _rivals(lesson: Lesson, twin: Student | None) -> list[Rival]:
    rows: Dataset = lesson.rows
    test, teacher, plain = rows.test, lesson.teacher, baseline.fit(lesson.modality.baseline, rows, lesson.recipe.seed)
    rivals = [
        Rival(
            role="teacher",
            description=teacher.description,
            probabilities=evaluate.torch_softmax(teacher.logits(test)),
            call_one=teacher.full.call_one,
            timed_rows=0 if teacher.kilobytes is None else _TIMED_TEACHER_ROWS,
            kilobytes=teacher.kilobytes,
        )
    ]
    if twin is not None:
        rivals.append(
            Rival(
                role="hard-label twin",
                description="the same network without a teacher: gold labels alone",
                probabilities=evaluate.torch_softmax(train.logits(twin, test)),
            )
        )
    return [
        *rivals,
        Rival(
            role="baseline",
            description=plain.description,
            probabilities=plain.probabilities(test),
            call_one=plain.call_one,
            timed_rows=_TIMED_BASELINE_ROWS,
            kilobytes=plain.kilobytes(),
        ),
    ]
