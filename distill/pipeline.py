"""The spine: from a recipe to a sealed bundle. The only module that knows every stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from distill import bundle, choosing, gates, judging, making, novelty, provenance
from distill import lesson as lessons
from distill.evidence import Evidence, GateResult
from distill.lesson import Lesson
from distill.making import Made
from distill.novelty import Novelty
from distill.progress import say
from distill.recipe import AUTO, Recipe


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: what was found, and the sealed bundle's folder, None where a gate failed."""

    folder: Path | None
    evidence: Evidence
    gates: tuple[GateResult, ...]


def run(recipe: Recipe, base: Path, out: Path) -> Outcome:
    """Make a bundle under `out`. `base`: the recipe's folder, where relative paths start.

    Raises:
        DistillError: see `distill.errors`. A failed gate is not one: it is in the outcome, with the evidence. But of
            `student.kind = "auto"` it is, if no student passes.
    """
    bundle.check_out(recipe.name, out)
    lesson = lessons.prepare(recipe, base)
    say("student")
    made = choosing.smallest(lesson) if recipe.student.kind == AUTO else making.make(lesson, lesson.recipe.student)
    twin = making.twin(lesson, made)
    say("evidence")
    recipe = lesson.recipe.model_copy(update={"student": made.config})
    staged = bundle.stage(made.calibrated, lesson.rows, recipe.serving, recipe.name, out)
    try:
        evidence = judging.judged(lesson, made, staged, twin, _probe(lesson, made))
        say("gates")
        results = gates.check(evidence, recipe.gates)
        if judging.lacking(results):
            return Outcome(None, evidence, results)
        origin = provenance.of(recipe, lesson.rows, lesson.teacher)
        return Outcome(bundle.seal(staged, lesson.rows, evidence, results, origin), evidence, results)
    finally:
        bundle.discard(staged)


def _probe(lesson: Lesson, made: Made) -> Novelty:
    """Judge novelty, by a second student that never saw the left-out group where there is one."""
    contrast, graph = lesson.contrast, made.calibrated.graph
    if contrast.left_out is not None:
        soft, rows = novelty.without(lesson.soft, lesson.rows, contrast.left_out)
        graph = making.make(making.without(lesson, rows, soft), made.config, "novelty probe").calibrated.graph
    return novelty.judge(graph, contrast, lesson.recipe.seed)
