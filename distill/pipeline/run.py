"""The spine: from a recipe to a sealed bundle. The only module that knows every stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from distill.data.cross_fit_splits import whole
from distill.evaluation import gates, novelty_auroc
from distill.evaluation.evidence import Evidence, GateResult
from distill.modalities import register, resolve
from distill.packaging import bundle, provenance
from distill.pipeline import assess, build_student, cross_fit, model_selection, training_inputs, width
from distill.progress import say, waiting
from distill.recipe.schema import Recipe


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: what was found, and the sealed bundle's folder, None where a gate failed."""

    folder: Path | None
    evidence: Evidence
    gates: tuple[GateResult, ...]
    origin: Mapping[str, Any]  # recipe, data, teacher, packages, commit; see `distill.packaging.provenance`


def run(recipe: Recipe, base: Path, out: Path) -> Outcome:
    """Make a bundle under `out`. `base`: the recipe's folder, where relative paths start.

    Raises:
        DistillError: see `distill.errors`. A failed gate is not one: it is in the outcome, with the evidence. But of
            `student.kind = "auto"` it is, if no student passes.
    """
    recipe = resolve.resolved(recipe)
    modality = register.of(recipe.data)
    bundle.check_out(recipe.name, out)

    rows = training_inputs.read(recipe, base)
    with waiting("size of the graph"):
        width.check(recipe, modality, rows)
    times, judged = cross_fit.repeats(recipe, rows), None
    if times:  # few rows: other students are judged on all of them, and the one that is sealed learns from all
        say("evidence")
        judged = cross_fit.judge(recipe, rows, base, times)
        inputs = training_inputs.prepare(whole(rows), recipe.teacher, recipe.transfer, recipe.seed, base, recipe.costs)
    else:
        contrast = novelty_auroc.contrast(modality, rows, recipe.evaluation.held_out_group, recipe.seed)
        inputs = training_inputs.prepare(rows, recipe.teacher, recipe.transfer, recipe.seed, base, recipe.costs)

    say("student")
    with waiting("student"):
        trained = model_selection.selected(inputs, recipe)

    staged = bundle.stage(trained.calibrated, inputs.rows, recipe.serving, recipe.name, out)
    try:
        with waiting("evidence"):
            if judged is not None:
                evidence = assess.cross_fitted(inputs, trained, staged, judged, recipe.evaluation)
            else:
                say("evidence")
                twin, novelty = build_student.twin(inputs, trained.draft), _novelty(inputs, trained, contrast)
                evidence = assess.on_test(inputs, trained, staged, twin, novelty, recipe.evaluation)
        say("gates")
        results = gates.check(evidence, recipe.gates)
        made_by = recipe.model_copy(update={"student": trained.draft.config})
        origin = provenance.of(made_by, inputs.rows, inputs.teacher, len(judged.rows) if judged else 0)
        failed = assess.lacking(results)
        folder = None if failed else bundle.seal(staged, inputs.rows, evidence, results, origin)
        return Outcome(folder, evidence, results, origin)
    finally:
        bundle.discard(staged)


def _novelty(
    inputs: training_inputs.TrainingInputs, trained: build_student.TrainedStudent, contrast: novelty_auroc.Contrast
) -> novelty_auroc.Novelty:
    """Judge novelty, by a second student that never saw the left-out group where there is one."""
    graph = trained.calibrated.graph
    if contrast.left_out is not None:
        soft, held, rows = novelty_auroc.without(inputs.soft, inputs.held, inputs.rows, contrast.left_out)
        fewer = replace(inputs, rows=rows, soft=soft, held=held)
        graph = build_student.make(fewer, trained.draft.config, "novelty probe").calibrated.graph
    return novelty_auroc.judge(graph, contrast, inputs.seed, inputs.modality.feeds)
