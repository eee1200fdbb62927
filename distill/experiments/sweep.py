"""`limbeck sweep`: what each candidate gains, and what it costs.

The Pareto front: the students of which none other is better in one thing and no worse in the rest.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from distill.evaluation import gates
from distill.evaluation.evidence import GateResult
from distill.experiments import comparison, cost
from distill.modalities import resolve
from distill.pipeline import assess, build_student, model_selection, teaching, training_inputs
from distill.progress import say
from distill.recipe.schema import Recipe
from distill.reporting import tables

_INK, _FRONT, _BEHIND = "#1f2937", "#0f766e", "#9ca3af"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "limbeck",  # same points, same bytes
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _BEHIND,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


@dataclass(frozen=True)
class Sweep:
    """Every candidate from the smallest on, on the test rows and at the gates."""

    found: comparison.Comparison
    results: Mapping[str, tuple[GateResult, ...]]  # of the gates, on validation rows, by the student's name

    @property
    def chosen(self) -> str | None:
        """What `student.kind = "auto"` takes: the first that passes every gate on validation rows."""
        return next((name for name, results in self.results.items() if not assess.lacking(results)), None)


def run(recipe: Recipe, base: Path) -> Sweep:
    """Teach every candidate, hold it to the gates on validation rows, and compare it on the test rows.

    Raises:
        DistillError: see `distill.errors`.
    """
    recipe = resolve.resolved(recipe)
    inputs = training_inputs.of(recipe, base)
    say("students")
    references = assess.references(inputs, inputs.rows.validation)
    trained, results = {}, {}
    for untaught in model_selection.by_size(inputs, recipe):
        draft = teaching.chosen(inputs, untaught)
        one = build_student.finish(inputs, draft, build_student.teach(inputs, draft))
        trained[draft.name] = [one]
        results[draft.name] = assess.on_validation(inputs, one, references, recipe.serving, recipe.gates)
    say("evidence")
    students, teacher = comparison.students(inputs, trained, recipe.serving), assess.teacher(inputs, inputs.rows.test)
    resampled = (recipe.evaluation.bootstrap, recipe.seed)
    return Sweep(comparison.of(teacher, students, inputs.rows.test.labels, *resampled), results)


def table(swept: Sweep) -> tables.Table:
    """A row a student."""
    best = front(swept.found.students)
    rows = [("teacher", tables.interval(swept.found.teacher.measured.accuracy), "", "", "", "", "", "")]
    for one in swept.found.students:
        lacks = assess.lacking(swept.results[one.name])
        latency = one.measured.latency_us_p50
        rows.append(
            (
                one.name,
                tables.interval(one.measured.accuracy),
                tables.interval(one.retention),
                tables.cost(one.measured.kilobytes),
                tables.cost(latency),
                "" if latency is None else f"{cost.a_million(latency):.3f}",
                "yes" if one in best else "",
                "; ".join(map(gates.worded, lacks)) or ("passes: auto" if one.name == swept.chosen else "passes"),
            )
        )
    headings = ("", "accuracy", "retention", "KB", "µs p50", "$ a million", "front", "gates, on validation rows")
    return tables.Table(f"{swept.found.test_rows:,} test rows, 95% intervals", headings, tuple(rows))


def front(students: Sequence[comparison.Compared]) -> tuple[comparison.Compared, ...]:
    """The students that no other dominates in accuracy, bytes and microseconds."""
    return tuple(one for one in students if not any(_dominates(other, one) for other in students))


def _dominates(other: comparison.Compared, one: comparison.Compared) -> bool:
    theirs, ours = other.merits, one.merits
    if theirs is None or ours is None:
        return False
    return theirs != ours and all(a >= b for a, b in zip(theirs, ours, strict=True))


@matplotlib.rc_context(_STYLE)
def figure(found: comparison.Comparison) -> str:
    """An SVG of accuracy against kilobytes, microseconds and dollars; the teacher is a dashed line."""
    drawn = Figure(figsize=(11, 3.8), layout="constrained")
    students, teacher = found.students, found.teacher.measured.accuracy
    best = front(students)
    microseconds = [one.measured.latency_us_p50 or 0.0 for one in students]
    costs = (
        ("KB", [one.measured.kilobytes or 0.0 for one in students]),
        ("µs a call, p50", microseconds),
        ("$ a million requests", [cost.a_million(value) for value in microseconds]),
    )
    for place, (label, values) in enumerate(costs):
        axes = drawn.add_subplot(1, 3, place + 1)
        axes.axhline(teacher.value, color=_BEHIND, linestyle="--", linewidth=1)
        for one, value in zip(students, values, strict=True):
            colour, accuracy = _FRONT if one in best else _BEHIND, one.measured.accuracy
            error = [[accuracy.value - accuracy.low], [accuracy.high - accuracy.value]]
            axes.errorbar(value, accuracy.value, error, fmt="o", color=colour, capsize=2)
            axes.annotate(one.name, (value, accuracy.value), (5, 4), textcoords="offset points", fontsize=8)
        if max(values) > 3 * min(values):
            axes.set_xscale("log")
        axes.margins(x=0.2)
        axes.set_xlabel(label)
        if place == 0:
            axes.set_ylabel("accuracy on test rows")
            axes.annotate(
                "teacher", (0.02, teacher.value), (0, 3), xycoords=("axes fraction", "data"),
                textcoords="offset points", color=_BEHIND, fontsize=8,
            )  # fmt: skip
    image = io.StringIO()
    drawn.savefig(image, format="svg", metadata={"Date": None, "Creator": None})
    return image.getvalue()
