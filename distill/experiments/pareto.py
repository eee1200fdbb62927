"""The Pareto front of students: those of which none other is better in one thing and no worse in the rest."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.figure import Figure

from distill.evaluation.evidence import GateResult
from handler.bundle.contract import Metric

_INK, _FRONT, _BEHIND = "#1f2937", "#0f766e", "#9ca3af"
_STYLE = {
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
class Point:
    """One student of the ladder."""

    name: str
    accuracy: Metric  # on test rows
    retention: Metric
    kilobytes: float
    microseconds: float  # the median call
    dollars: float  # a million requests
    results: tuple[GateResult, ...]  # of the gates, on validation rows


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points that no other dominates in accuracy, bytes and microseconds."""
    return tuple(one for one in points if not any(_dominates(other, one) for other in points))


def _dominates(other: Point, one: Point) -> bool:
    theirs = (other.accuracy.value, -other.kilobytes, -other.microseconds)
    ours = (one.accuracy.value, -one.kilobytes, -one.microseconds)
    return theirs != ours and all(a >= b for a, b in zip(theirs, ours, strict=True))


@matplotlib.rc_context(_STYLE)
def figure(points: Sequence[Point], teacher: Metric) -> str:
    """An SVG of accuracy against kilobytes, microseconds and dollars; the teacher is a dashed line."""
    drawn = Figure(figsize=(11, 3.8), layout="constrained")
    best = front(points)
    costs = (
        ("KB", [one.kilobytes for one in points]),
        ("µs a call, p50", [one.microseconds for one in points]),
        ("$ a million requests", [one.dollars for one in points]),
    )
    for place, (label, values) in enumerate(costs):
        axes = drawn.add_subplot(1, 3, place + 1)
        axes.axhline(teacher.value, color=_BEHIND, linestyle="--", linewidth=1)
        for one, value in zip(points, values, strict=True):
            colour = _FRONT if one in best else _BEHIND
            low, high = one.accuracy.value - one.accuracy.low, one.accuracy.high - one.accuracy.value
            axes.errorbar(value, one.accuracy.value, [[low], [high]], fmt="o", color=colour, capsize=2)
            axes.annotate(one.name, (value, one.accuracy.value), (5, 4), textcoords="offset points", fontsize=8)
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
