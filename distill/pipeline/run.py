"""The spine: from a recipe to a sealed bundle. The only module that knows every stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from distill.evaluation import gates, novelty_auroc
from distill.evaluation.evidence import Evidence, GateResult
from distill.evaluation.novelty_auroc import Novelty
from distill.packaging import bundle, provenance
from distill.pipeline import assess, build_student, model_selection
from distill.pipeline import training_inputs as lessons
from distill.pipeline.build_student import Made
from distill.pipeline.training_inputs import Lesson
from distill.progress import say
from distill.recipe.schema import AUTO, Recipe


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
    made = (
        model_selection.smallest(lesson)
        if recipe.student.kind == AUTO
        else build_student.make(lesson, lesson.recipe.student)
    )
    twin = build_student.twin(lesson, made)
    say("evidence")
    recipe = lesson.recipe.model_copy(update={"student": made.config})
    staged = bundle.stage(made.calibrated, lesson.rows, recipe.serving, recipe.name, out)
    try:
        evidence = assess.on_test(lesson, made, staged, twin, _probe(lesson, made))
        say("gates")
        results = gates.check(evidence, recipe.gates)
        if assess.lacking(results):
            return Outcome(None, evidence, results)
        origin = provenance.of(recipe, lesson.rows, lesson.teacher)
        return Outcome(bundle.seal(staged, lesson.rows, evidence, results, origin), evidence, results)
    finally:
        bundle.discard(staged)


def _probe(lesson: Lesson, made: Made) -> Novelty:
    """Judge novelty, by a second student that never saw the left-out group where there is one."""
    contrast, graph = lesson.contrast, made.calibrated.graph
    if contrast.left_out is not None:
        soft, rows = novelty_auroc.without(lesson.soft, lesson.rows, contrast.left_out)
        graph = build_student.make(
            build_student.without(lesson, rows, soft), made.config, "novelty probe"
        ).calibrated.graph
    return novelty_auroc.judge(graph, contrast, lesson.recipe.seed)
