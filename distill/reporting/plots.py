"""The report's plots: matplotlib figures turned into small inline SVG that takes its colours from the page.

Figures are drawn in marker colours, which become CSS variables: one drawing serves light and dark.
Text stays text, so it can be read aloud, searched and copied. Same evidence, same bytes.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from distill.evaluation import statistics
from distill.evaluation.evidence import Bin, Evidence, MeasuredContender, RatioPoint, RiskPoint
from distill.reporting import formatting, inline_svg
from handler.bundle.contract import Metric

# Marker colours; `report.css` defines the variables of the same names.
_NAMES = ("ink", "muted", "line", "accent", "cool", "heat", "on-heat", "card")
_COLOUR = {name: f"#0a0b{16 + i:02x}" for i, name in enumerate(_NAMES)}
INK, MUTED, LINE, ACCENT, COOL, HEAT, ON_HEAT, CARD = _COLOUR.values()

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label may hold a dollar sign
    "font.size": 10.5,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 6,
}
_POINTS_PER_INCH = 72
_MOST_COUNTED = 15  # classes with a count written in each cell
_SMALLEST_FONT = 4.5
_FULL_BIN_ROWS = 5  # the curve passes by emptier bins, their dots stay
_LARGEST_ZOOM = 1.2
_LOWEST_SHOWN_COVERAGE = 0.05  # below it one wrong row swings the curve


@matplotlib.rc_context(_STYLE)
def contenders(measured: Sequence[MeasuredContender]) -> str:
    """Accuracy of each contender on the same test rows, with its 95% interval, as a dot plot."""
    figure, axes = _figure(5.6, 0.62 + 0.44 * len(measured))
    for y, contender in enumerate(measured):
        metric, student = contender.accuracy, contender.role == "student"
        colour = ACCENT if student else MUTED
        if formatting.has_interval(metric):
            axes.plot([metric.low, metric.high], [y, y], color=colour, linewidth=2.2, solid_capstyle="round")
        axes.plot(metric.value, y, "o", color=colour, markersize=8.5 if student else 7)
        axes.annotate(
            formatting.percent(metric.value),
            (metric.value, y),
            (0, 8),
            textcoords="offset points",
            ha="center",
            color=colour,
            fontweight="bold" if student else "normal",
        )
    axes.set_yticks(range(len(measured)), [formatting.short(c.role) for c in measured], color=INK)
    axes.set_ylim(len(measured) - 0.6, -0.75)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.locator_params(axis="x", nbins=5)
    axes.margins(x=0.08)
    axes.grid(axis="x")
    axes.spines[["left", "bottom"]].set_visible(False)
    return _svg(figure, "contenders", "Accuracy of the four contenders with 95% intervals")


@matplotlib.rc_context(_STYLE)
def confusion(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """Gold against predicted: a cell is shaded by its share of the gold row and, where it fits, holds its count."""
    table = np.asarray(counts, dtype=float)
    k = len(labels)
    cell = _cell_inches(k)
    names = [formatting.short(label, 18) for label in labels]
    long = k > 6 or max(len(name) for name in names) > cell * 10
    margin = 0.075 * max(len(name) for name in names) + 0.5
    figure, axes = _figure(k * cell + margin, k * cell + (margin if long else 0.7))
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    _shade(axes, shares)
    if k <= _MOST_COUNTED:
        _write_counts(axes, table, shares, cell)
    font = min(10.5, cell * _POINTS_PER_INCH * 0.62)
    shown = range(k) if font >= _SMALLEST_FONT else range(0)
    axes.set_xticks(shown, names[: len(shown)], rotation=90 if long else 0, fontsize=font, color=INK)
    axes.set_yticks(shown, names[: len(shown)], fontsize=font, color=INK)
    axes.set(xlim=(-0.5, k - 0.5), ylim=(k - 0.5, -0.5), xlabel="predicted", ylabel="gold", aspect="equal")
    axes.spines[["top", "right"]].set_visible(True)
    return _svg(figure, "confusion", "Confusion matrix, row-normalised", least_shown=0.75 if k > _MOST_COUNTED else 0)


@matplotlib.rc_context(_STYLE)
def reliability(evidence: Evidence) -> str:
    """Confidence against accuracy before and after calibration, over the number of rows in each bin."""
    before, after = evidence.reliability_before, evidence.reliability
    figure = Figure(figsize=(5.2, 5.6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3.4, 1])
    bins = [*before, *after]
    lowest = min((b.confidence for b in bins), default=0.0)
    low = max(0.0, math.floor(10 * (lowest - 0.03)) / 10)
    top.plot([low, 1], [low, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    for b in after:
        share = statistics.wilson("accuracy", round(b.accuracy * b.rows), b.rows)
        top.plot([b.confidence] * 2, [share.low, share.high], color=ACCENT, linewidth=1.3, alpha=0.45)
    _dots(top, before, f"before calibration{_ece(evidence.metric('ece_before'))}", COOL, filled=False)
    _dots(top, after, f"after{_ece(evidence.metric('ece'))}", ACCENT, filled=True)
    top.set(ylabel="accuracy", ylim=(min([low, *(b.accuracy for b in bins)]) - 0.02, 1.02))
    figure.legend(frameon=False, loc="outside upper left", ncols=2)
    _count_bars(bottom, after, low)
    for axes in (top, bottom):
        axes.grid(axis="y")
    for axis in (top.yaxis, bottom.xaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    return _svg(figure, "reliability", "Reliability diagram before and after calibration, with rows in each bin")


@matplotlib.rc_context(_STYLE)
def risk_coverage(points: Sequence[RiskPoint], abstain_below: float) -> str:
    """Error rate when only the most confident share of rows is answered, the served threshold marked.

    `points`: by rising coverage.
    """
    figure, axes = _figure(5.2, 3.5)
    xs, ys = [p.coverage for p in points], [p.risk for p in points]
    axes.fill_between(xs, ys, color=ACCENT, alpha=0.12, linewidth=0)
    axes.plot(xs, ys, color=ACCENT, linewidth=2)
    chosen = ([p for p in points if p.threshold >= abstain_below] or points)[-1]
    axes.plot(chosen.coverage, chosen.risk, "o", color=ACCENT, markersize=8, clip_on=False)
    errors = f"{formatting.percent(chosen.risk)} errors on {formatting.percent(chosen.coverage, 0)} of rows"
    axes.set_title(f"●  as served: {errors}", loc="left", fontsize=10.5, color=ACCENT)
    ceiling = max((p.risk for p in points if p.coverage >= _LOWEST_SHOWN_COVERAGE), default=0.0)
    axes.set(xlim=(0, 1), ylim=(0, max(1.15 * ceiling, 0.01)), xlabel="rows answered, most confident first")
    axes.set_ylabel("error rate")
    axes.grid(axis="y")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=None))
    return _svg(figure, "risk", "Risk–coverage curve")


@matplotlib.rc_context(_STYLE)
def costs(points: Sequence[RatioPoint]) -> str:
    """Cost a row over how much dearer the dearest mistake is than the cheapest, for both ways to decide."""
    figure, axes = _figure(5.2, 3.5)
    xs = [p.ratio for p in points]
    for ys, name, colour in (
        ([p.argmax for p in points], "most probable label", MUTED),
        ([p.least_cost for p in points], "least expected cost", ACCENT),
    ):
        axes.plot(xs, ys, color=colour, linewidth=2, label=name)
        at = [(x, y) for x, y, p in zip(xs, ys, points, strict=True) if p.is_served]
        axes.plot(*zip(*at, strict=True), "o", color=colour, markersize=8)
    axes.set_xscale("log")
    shown = [x for x in (1, 2, 5, 10, 20, 50, 100, 1000, 10_000) if x <= max(xs)]
    axes.set_xticks(shown, [f"{x:,}" for x in shown])
    axes.minorticks_off()
    axes.set(xlim=(1, max(xs)), xlabel="the dearest mistake costs so many ordinary ones", ylabel="cost a row")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    figure.legend(frameon=False, loc="outside upper left", ncols=2)
    return _svg(figure, "costs", "Cost a row over the ratio of costs, by argmax and by least expected cost")


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _cell_inches(k: int) -> float:
    return 0.95 if k <= 3 else 0.72 if k <= 6 else 0.48 if k <= _MOST_COUNTED else max(0.02, min(0.3, 10 / k))


def _shade(axes: Axes, shares: np.ndarray) -> None:
    k = len(shares)
    cells = [(int(x), int(y)) for y, x in np.argwhere(shares)]
    squares = [Rectangle((x - 0.5, y - 0.5), 1, 1) for x, y in cells]
    colours = [matplotlib.colors.to_rgba(HEAT, round(0.06 + 0.94 * shares[y, x], 2)) for x, y in cells]
    axes.add_collection(PatchCollection(squares, facecolors=colours, edgecolors="none", linewidths=0, clip_on=False))
    if k <= _MOST_COUNTED:
        axes.hlines(np.arange(k - 1) + 0.5, -0.5, k - 0.5, color=LINE, linewidth=0.7)
        axes.vlines(np.arange(k - 1) + 0.5, -0.5, k - 0.5, color=LINE, linewidth=0.7)
    else:
        axes.plot([-0.5, k - 0.5], [-0.5, k - 0.5], color=LINE, linewidth=0.5, zorder=0)


def _write_counts(axes: Axes, table: np.ndarray, shares: np.ndarray, cell: float) -> None:
    roomy = len(table) <= 6
    font = 12 if roomy else max(6, min(9, cell * 19))
    for y, x in np.argwhere(table > 0):
        colour = ON_HEAT if shares[y, x] > 0.5 else INK
        axes.text(x, y - 0.12 * roomy, f"{table[y, x]:.0f}", ha="center", va="center", color=colour, fontsize=font)
        if roomy:
            text = formatting.percent(shares[y, x], 0)
            axes.text(x, y + 0.2, text, ha="center", va="center", color=colour, fontsize=9)


def _ece(metric: Metric | None) -> str:
    return f", ECE {formatting.number(metric.value, 2)}" if metric else ""


def _dots(axes: Axes, bins: Sequence[Bin], name: str, colour: str, *, filled: bool) -> None:
    """One curve, its dots as large as their bins, so that a handful of rows does not shout."""
    xs, ys = [b.confidence for b in bins], [b.accuracy for b in bins]
    most = max((b.rows for b in bins), default=1)
    full = [b for b in bins if b.rows >= _FULL_BIN_ROWS]
    axes.plot([b.confidence for b in full], [b.accuracy for b in full], color=colour, linewidth=1.3, alpha=0.7)
    axes.scatter(
        xs,
        ys,
        s=[12 + 48 * b.rows / most for b in bins],
        color=colour if filled else CARD,
        edgecolors=colour,
        linewidths=1.4,
        zorder=3,
        label=name,
    )


def _count_bars(axes: Axes, bins: Sequence[Bin], low: float) -> None:
    xs = [b.confidence for b in bins]
    axes.vlines(xs, 0, [b.rows for b in bins], color=ACCENT, linewidth=9, alpha=0.55)
    most = max((b.rows for b in bins), default=1)
    if len(xs) < 2 or min(np.diff(sorted(xs))) > 0.075 * (1 - low):
        for b in bins:
            axes.annotate(
                f"{b.rows:,}", (b.confidence, b.rows), (0, 2), textcoords="offset points", ha="center", fontsize=8.5
            )
    axes.set(ylabel="rows", ylim=(0, 1.3 * most), xlabel="confidence", xlim=(low - 0.01, 1.02))
    axes.locator_params(axis="y", nbins=3)


def _svg(figure: Figure, name: str, title: str, least_shown: float = 0) -> str:
    """The figure as an inline SVG element. `least_shown`: on narrow screens it scrolls below this part of its width."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scripts that matplotlib's own font lacks: the browser draws the text
        figure.savefig(file, format="svg", facecolor="none", metadata={"Date": None})
    width, height = figure.get_size_inches() * _POINTS_PER_INCH
    return inline_svg.inline(
        file.getvalue(),
        prefix=name,
        title=title,
        colours={colour: f"var(--{variable})" for variable, colour in _COLOUR.items()},
        width=(round(least_shown * width), round(width * _LARGEST_ZOOM)),
        box=(round(width, 1), round(height, 1)),
    )
