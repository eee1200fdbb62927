"""The spine: from a recipe to a sealed bundle. The only module that knows every stage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from distill.evaluation import gates, novelty_auroc
from distill.evaluation.evidence import Evidence, GateResult
from distill.graph import calibrate, export, quantize
from distill.modalities import register, resolve
from distill.packaging import bundle, provenance
from distill.pipeline import assess, build_student, model_selection, teaching, training_inputs
from distill.progress import say
from distill.recipe.schema import Recipe


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
    recipe = resolve.resolved(recipe)
    modality = register.of(recipe.data)
    bundle.check_out(recipe.name, out)

    rows = training_inputs.read(recipe, base)
    contrast = novelty_auroc.contrast(modality, rows, recipe.evaluation.held_out_group, recipe.seed)
    inputs = training_inputs.prepare(rows, recipe.teacher, recipe.transfer, recipe.seed, base)

    say("student")
    selection = model_selection.Selection(inputs, recipe)
    for untaught in selection.drafts:  # one, or for "auto" the candidates from the smallest on
        draft = teaching.chosen(inputs, untaught)
        student = build_student.teach(inputs, draft)
        exported = export.graph(student)
        small = quantize.weights(exported, draft.config.bits)
        calibrated = calibrate.fit(small, modality, rows.train, rows.validation)
        trained = build_student.TrainedStudent(draft, student, exported, small, calibrated)
        if selection.takes(trained):
            break
    else:
        raise model_selection.nothing_passes(selection.tried)
    twin = build_student.twin(inputs, draft)

    say("evidence")
    staged = bundle.stage(trained.calibrated, rows, recipe.serving, recipe.name, out)
    try:
        novelty = _novelty(inputs, trained, contrast)
        evidence = assess.on_test(inputs, trained, staged, twin, novelty, recipe.evaluation)
        say("gates")
        results = gates.check(evidence, recipe.gates)
        if assess.lacking(results):
            return Outcome(None, evidence, results)
        made_by = recipe.model_copy(update={"student": draft.config})
        origin = provenance.of(made_by, rows, inputs.teacher)
        return Outcome(bundle.seal(staged, rows, evidence, results, origin), evidence, results)
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
    return novelty_auroc.judge(graph, contrast, inputs.seed)
