"""`python -m distill compare`: the ladder beside its teacher and the classifiers of others, on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distill.experiments import comparison, contenders, peer_answers
from distill.experiments.comparison import Standings
from distill.pipeline import build_student, candidates
from distill.pipeline import training_inputs as lessons
from distill.progress import say
from distill.recipe.schema import Recipe


def run(recipe: Recipe, base: Path, names: Sequence[str] = (), settings: int = peer_answers.SETTINGS) -> Standings:
    """Teach students and their twins, ask every peer, and judge all on the test rows.

    `names`: of rungs of the ladder; one of each kind where there are none. `settings`: how many each peer may try; the
    best on validation rows counts. Of columns there are no peers but the baseline. Slow stages are kept by content, so
    a second run goes on.

    Raises:
        DistillError: see `distill.errors`.
    """
    rungs = candidates.chosen(recipe, names)
    lesson = lessons.prepare(recipe, base)
    say("students")
    found, twins = [], []
    for rung in rungs:
        made = build_student.make(lesson, rung.student, f"student {rung.name}")
        found.append((rung.name, made))
        twins.append(contenders.twin(lesson, rung.name, build_student.twin(lesson, made, f"twin of {rung.name}")))
    say("peers")
    if lesson.modality.peers:
        peers = peer_answers.ask(lesson, base, settings)
    else:
        peers = (contenders.plain(lesson),)
    # Students are timed last and together, when nothing of this run is at work beside them.
    say("evidence")
    students = [contenders.student(lesson, name, made) for name, made in found]
    everyone = [contenders.teacher(lesson), *students, *twins, *peers]
    return comparison.of(everyone, lesson.rows.test.labels, lesson.recipe.evaluation.bootstrap, lesson.recipe.seed)
