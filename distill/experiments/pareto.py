"""The Pareto front of students: those of which none other is better in one thing and no worse in the rest."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from distill.experiments import cost
from distill.experiments.comparison import Compared, Comparison

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


def front(students: Sequence[Compared]) -> tuple[Compared, ...]:
    """The students that no other dominates in accuracy, bytes and microseconds."""
    return tuple(one for one in students if not any(_dominates(other, one) for other in students))


def _dominates(other: Compared, one: Compared) -> bool:
    theirs, ours = other.merits, one.merits
    if theirs is None or ours is None:
        return False
    return theirs != ours and all(a >= b for a, b in zip(theirs, ours, strict=True))


@matplotlib.rc_context(_STYLE)
def figure(found: Comparison) -> str:
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
