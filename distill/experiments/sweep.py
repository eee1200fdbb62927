"""`python -m distill sweep`: what each student of the ladder gains, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from distill.evaluation import gates
from distill.experiments import comparison, contenders, cost, pareto
from distill.experiments.pareto import Point
from distill.pipeline import assess, build_student, model_selection
from distill.pipeline import training_inputs as lessons
from distill.progress import say
from distill.recipe.schema import Recipe
from distill.reporting.tables import Sheet, interval
from handler.bundle.contract import Metric


@dataclass(frozen=True)
class Sweep:
    """Every rung from the smallest on, and the teacher's accuracy on the same test rows."""

    points: tuple[Point, ...]
    teacher: Metric
    test_rows: int

    @property
    def chosen(self) -> str | None:
        """What `student.kind = "auto"` takes: the first that passes every gate on validation rows."""
        return next((point.name for point in self.points if not assess.lacking(point.results)), None)


def run(recipe: Recipe, base: Path) -> Sweep:
    """Teach every rung, hold it to the gates on validation rows, and judge it on the test rows.

    Raises:
        DistillError: see `distill.errors`.
    """
    lesson = lessons.prepare(recipe, base)
    say("students")
    made, results = {}, {}
    for rung in model_selection.by_size(lesson):
        made[rung.name] = build_student.make(lesson, rung.student, f"student {rung.name}")
        results[rung.name] = assess.on_validation(lesson, made[rung.name])
    say("evidence")
    students = [contenders.student(lesson, name, student) for name, student in made.items()]
    everyone = [contenders.teacher(lesson), *students]
    settings = (lesson.recipe.evaluation.bootstrap, lesson.recipe.seed)
    found = comparison.of(everyone, lesson.rows.test.labels, *settings).standings
    points = [
        Point(
            name=one.name,
            accuracy=one.accuracy,
            retention=one.retention,
            kilobytes=float(one.kilobytes or 0),
            microseconds=float(one.latency_us_p50 or 0),
            dollars=cost.a_million(float(one.latency_us_p50 or 0)),
            results=results[one.name],
        )
        for one in found[1:]
    ]
    return Sweep(tuple(points), found[0].accuracy, len(lesson.rows.test))


def sheet(found: Sweep) -> Sheet:
    """The points as a table."""
    best = pareto.front(found.points)
    rows = [("teacher", interval(found.teacher), "", "", "", "", "", "")]
    for point in found.points:
        lacks = assess.lacking(point.results)
        rows.append(
            (
                point.name,
                interval(point.accuracy),
                interval(point.retention),
                f"{point.kilobytes:,.0f}",
                f"{point.microseconds:,.0f}",
                f"{point.dollars:.3f}",
                "yes" if point in best else "",
                "; ".join(map(gates.worded, lacks)) or ("passes: auto" if point.name == found.chosen else "passes"),
            )
        )
    headings = ("", "accuracy", "retention", "KB", "µs p50", "$ a million", "front", "gates, on validation rows")
    return Sheet(f"{found.test_rows:,} test rows, 95% intervals", headings, tuple(rows))
