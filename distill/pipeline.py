"""The spine: from a recipe to a sealed bundle. The only module that knows every stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from distill import (
    baseline,
    bundle,
    calibrate,
    evaluate,
    export,
    gates,
    lengths,
    novelty,
    pace,
    provenance,
    quantize,
    soft_labels,
    train,
    word_lists,
)
from distill.datasets.load import load
from distill.datasets.rows import Dataset
from distill.evaluate import Candidate, Rival
from distill.evidence import Evidence, GateResult
from distill.novelty import Contrast, Novelty
from distill.preludes import fit as preludes
from distill.progress import say
from distill.recipe import Recipe
from distill.soft_labels import SoftLabels
from distill.students import start as starts
from distill.teachers import fit as teachers
from distill.teachers.teacher import Teacher
from distill.train import Student

_TIMED_TEACHER_ROWS = 60
_TIMED_BASELINE_ROWS = 200
_SHOWN_NOTES = 20


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: what was found, and the sealed bundle's folder, None where a gate failed."""

    folder: Path | None
    evidence: Evidence
    gates: tuple[GateResult, ...]


def run(recipe: Recipe, base: Path, out: Path) -> Outcome:
    """Make a bundle under `out`. `base`: the recipe's folder, where relative paths start.

    Raises:
        DistillError: see `distill.errors`. A failed gate is not one: it is in the outcome, with the evidence.
    """
    bundle.check_out(recipe.name, out)
    say("rows")
    rows = load(recipe.data, base)
    recipe = pace.fit(recipe.resolved(rows.task), len(rows.train))
    rows = replace(rows, notes=(*rows.notes, *lengths.notes(recipe, rows)))
    contrast = novelty.contrast(rows, recipe.evaluation.held_out_group, recipe.seed)
    say(f"  {len(rows.train)} training, {len(rows.validation)} validation, {len(rows.test)} test rows")
    for note in rows.notes[:_SHOWN_NOTES]:
        say(f"  {note}")
    if len(rows.notes) > _SHOWN_NOTES:
        say(f"  and {len(rows.notes) - _SHOWN_NOTES} more notes on the data: they are in the manifest and the report")
    say("teacher")
    teacher = teachers.fit(recipe.teacher, rows, recipe.transfer.folds, recipe.seed, base)
    say("soft labels")
    words = word_lists.load(recipe.transfer.words, base)
    soft = soft_labels.make(teacher, rows.train, (rows.validation, rows.test), recipe.transfer, words, recipe.seed)
    say(f"  {len(soft.rows)} rows in the transfer set")
    say("student")
    prelude = preludes.fit(recipe.student, rows, soft.rows, words, teacher.full.word_pieces)
    shape = (len(rows.labels), recipe.seed)
    start = starts.taught(recipe.student, teacher, prelude)
    student = train.distill(recipe.student, prelude, soft, rows.validation, *shape, start)
    start = starts.untaught(recipe.student, teacher, prelude)
    twin = train.distill(
        recipe.student, prelude, train.hard_labels(soft), rows.validation, *shape, start, name="hard-label twin"
    )
    say("graph, int8, calibration")
    exported = export.graph(student)
    calibrated = calibrate.fit(quantize.weights(exported, recipe.student.bits), rows.train, rows.validation)
    say("evidence")
    probed = _probe(recipe, contrast, calibrated.graph, soft, rows, teacher, words)
    staged = bundle.stage(calibrated, rows, recipe.serving, recipe.name, out)
    try:
        candidate = Candidate(
            predictor=staged.predictor(),
            description=_described(recipe, student),
            kilobytes=staged.kilobytes,
            temperature=calibrated.temperature,
            torch_logits=train.logits(student, rows.test),
            float_logits=calibrate.run(exported, rows.test)[0],
        )
        rivals = _rivals(teacher, twin, baseline.fit(rows, recipe.seed), rows)
        evidence = evaluate.run(candidate, rivals, probed, rows, recipe.evaluation.bootstrap, recipe.seed)
        say("gates")
        results = gates.check(evidence, recipe.gates)
        if not all(result.passed for result in results):
            return Outcome(None, evidence, results)
        origin = provenance.of(recipe, rows, teacher)
        return Outcome(bundle.seal(staged, rows, evidence, results, origin), evidence, results)
    finally:
        bundle.discard(staged)


def _probe(
    recipe: Recipe,
    contrast: Contrast,
    graph: export.Graph,
    soft: SoftLabels,
    rows: Dataset,
    teacher: Teacher,
    words: Sequence[str],
) -> Novelty:
    """Judge novelty, by a second student that never saw the left-out group where there is one."""
    if contrast.left_out is not None:
        soft, rows = novelty.without(soft, rows, contrast.left_out)
        prelude = preludes.fit(recipe.student, rows, soft.rows, words, teacher.full.word_pieces)
        start = starts.taught(recipe.student, teacher, prelude)
        student = train.distill(
            recipe.student, prelude, soft, rows.validation, len(rows.labels), recipe.seed, start, name="novelty probe"
        )
        graph = calibrate.fit(
            quantize.weights(export.graph(student), recipe.student.bits), rows.train, rows.validation
        ).graph
    return novelty.judge(graph, contrast, recipe.seed)


def _rivals(teacher: Teacher, twin: Student, plain: baseline.Baseline, rows: Dataset) -> list[Rival]:
    test = rows.test
    return [
        Rival(
            role="teacher",
            description=teacher.description,
            probabilities=evaluate.torch_softmax(teacher.logits(test)),
            call_one=teacher.full.call_one,
            timed_rows=0 if teacher.kilobytes is None else _TIMED_TEACHER_ROWS,
            kilobytes=teacher.kilobytes,
        ),
        Rival(
            role="hard-label twin",
            description="the same network without a teacher: gold labels alone",
            probabilities=evaluate.torch_softmax(train.logits(twin, test)),
        ),
        Rival(
            role="baseline",
            description=plain.description,
            probabilities=plain.probabilities(test),
            call_one=plain.call_one,
            timed_rows=_TIMED_BASELINE_ROWS,
            kilobytes=plain.kilobytes(),
        ),
    ]


def _described(recipe: Recipe, student: Student) -> str:
    return f"{recipe.student.kind}, {student.parameters:,} parameters, int{recipe.student.bits}"
