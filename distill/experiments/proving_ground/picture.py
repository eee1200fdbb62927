"""The proving ground as one picture: a row a set, the student's log-likelihood less each other's, with intervals."""

from __future__ import annotations

import io
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from distill.evaluation.evidence import TWIN
from distill.experiments.proving_ground.measure import BASELINE, TEACHER
from distill.experiments.proving_ground.verdict import LIKELIHOOD, Verdict

_INK, _LINE = "#1f2937", "#9ca3af"
_DRAWN = {TWIN: ("twin", "#0f766e", "o"), BASELINE: ("baseline", "#b45309", "s"), TEACHER: ("teacher", "#6b7280", "D")}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "limbeck",  # same numbers, same bytes
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "ytick.major.size": 0,
}
_LINEAR = 0.05  # nats: within it the axis is linear, beyond it logarithmic, as sets differ by a hundred times
_APART = 0.22  # rows, between the marks of one set


@matplotlib.rc_context(_STYLE)
def figure(found: Verdict) -> str:
    """A stand-alone SVG document. Right of zero the student is better."""
    drawn = Figure(figsize=(8.5, 1.2 + 0.42 * max(len(found.sets), 1)), layout="constrained")
    axes = drawn.subplots()
    axes.axvline(0, color=_LINE, linewidth=1)
    for shift, (other, (label, colour, mark)) in enumerate(_DRAWN.items(), start=-1):
        differences = [one.differences[LIKELIHOOD, other] for one in found.sets]
        axes.errorbar(
            [one.value for one in differences],
            [place + shift * _APART for place in range(len(differences))],
            xerr=[1.96 * one.error for one in differences],
            fmt=mark,
            markersize=4.5,
            linewidth=1.2,
            color=colour,
            label=f"student less {label}",
        )
    before = None
    for place, one in enumerate(found.sets):
        if before not in (None, one.chapter):  # texts end and tables begin
            axes.axhline(place - 0.5, color=_LINE, linewidth=0.7, linestyle="--")
        before = one.chapter
    axes.set_yticks(range(len(found.sets)), [f"{one.name} ({one.rows:,})" for one in found.sets])
    axes.set_ylim(len(found.sets) - 0.4, -0.6)
    axes.set_xscale("symlog", linthresh=_LINEAR)
    axes.xaxis.set_major_formatter(lambda nats, _: f"{nats:+g}" if nats else "0")
    axes.set_xlabel("log-likelihood on test rows, nats a row, with 95% intervals; right of 0 the student is better")
    drawn.legend(frameon=False, loc="outside upper left", ncols=len(_DRAWN))
    image = io.StringIO()
    drawn.savefig(image, format="svg", metadata={"Date": None, "Creator": None})
    return image.getvalue()
