"""`limbeck compare`: candidates beside their teacher and the classifiers of others, on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from distill.evaluation.contenders import Contender
from distill.experiments import comparison, peer_answers
from distill.modalities import resolve
from distill.pipeline import assess, build_student, candidates, teaching, training_inputs
from distill.progress import say
from distill.recipe.schema import Recipe

SEEDS = 3


def run(
    recipe: Recipe, base: Path, names: Sequence[str] = (), settings: int = peer_answers.SETTINGS, seeds: int = SEEDS
) -> comparison.Comparison:
    """Teach students and their twins, ask every peer, and compare all on the test rows.

    `names`: of candidates; one of each kind where there are none. `settings`: how many each peer may try; the best on
    validation rows counts. `seeds`: under how many each student and twin is taught, by the teacher of the
    recipe's seed. Of columns there are no peers but the baseline. Slow stages are kept by content, so a second
    run goes on.

    Raises:
        DistillError: see `distill.errors`.
    """
    recipe = resolve.resolved(recipe)
    wanted = candidates.chosen(recipe, names)
    inputs = training_inputs.of(recipe, base)
    test = inputs.rows.test
    perturbed = comparison.perturbed(inputs)
    say("students")
    trained, twins = {}, {}
    for candidate in wanted:
        name = candidate.name
        seeded = [replace(inputs, seed=recipe.seed + i) for i in range(seeds)]
        trained[name] = [teaching.make(one, candidate.student, f"student {name}, seed {one.seed}") for one in seeded]
        alone = [
            assess.twin(one, build_student.twin(one, student.draft, f"twin of {name}"), test, f"{name}, hard labels")
            for one, student in zip(seeded, trained[name], strict=True)
        ]
        twins[name] = comparison.joined(alone)
    say("peers")
    peers: Sequence[Contender] = (
        peer_answers.ask(inputs, recipe.teacher, base, perturbed, settings)
        if inputs.modality.peers
        else (assess.baseline(inputs, test, perturbed),)
    )
    # Students are timed last and together, when nothing of this run is at work beside them.
    say("evidence")
    students = comparison.students(inputs, trained, recipe.serving, perturbed)
    teacher = assess.teacher(inputs, test, perturbed)
    resampled = (recipe.evaluation.bootstrap, recipe.seed)
    return comparison.of(teacher, students, test.labels, *resampled, twins, peers, seeds)
