"""`python -m distill compare`: the ladder beside its teacher and the classifiers of others, on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distill import entrants, ladder, making, rivals, standings
from distill import lesson as lessons
from distill.progress import say
from distill.recipe import Recipe
from distill.standings import Standings


def run(recipe: Recipe, base: Path, names: Sequence[str] = (), settings: int = rivals.SETTINGS) -> Standings:
    """Teach students and their twins, ask every peer, and judge all on the test rows.

    `names`: of rungs of the ladder; one of each kind where there are none. `settings`: how many each peer may try; the
    best on validation rows counts. Of columns there are no peers but the baseline. Slow stages are kept by content, so
    a second run goes on.

    Raises:
        DistillError: see `distill.errors`.
    """
    rungs = ladder.chosen(recipe, recipe.task, names)
    lesson = lessons.prepare(recipe, base)
    say("students")
    found, twins = [], []
    for rung in rungs:
        made = making.make(lesson, rung.student, f"student {rung.name}")
        found.append((rung.name, made))
        twins.append(entrants.twin(lesson, rung.name, making.twin(lesson, made, f"twin of {rung.name}")))
    say("peers")
    if lesson.rows.task == "text":
        peers = rivals.ask(lesson, base, settings)
    else:
        peers = (entrants.plain(lesson),)
    # Students are timed last and together, when nothing of this run is at work beside them.
    say("evidence")
    students = [entrants.student(lesson, name, made) for name, made in found]
    everyone = [entrants.teacher(lesson), *students, *twins, *peers]
    return standings.of(everyone, lesson.rows.test.labels, lesson.recipe.evaluation.bootstrap, lesson.recipe.seed)
