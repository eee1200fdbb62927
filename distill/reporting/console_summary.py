"""The end of a run, for the person at the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from distill.evaluation.evidence import MAJORITY, Evidence, GateResult
from distill.reporting import caveats, formatting, tables


def show(evidence: Evidence, gates: Sequence[GateResult], folder: Path | None, console: Console) -> None:
    """Print the contenders' table, what the student costs, and where the bundle and its report are."""
    rows = tuple(
        (
            one.role,
            tables.interval(one.accuracy),
            tables.interval(one.macro_f1),
            tables.interval(one.log_loss),
            *map(tables.cost, (one.kilobytes, one.latency_us_p50, one.latency_us_p99)),
        )
        for one in evidence.contenders
    )
    headings = ("", "accuracy", "macro-F1", "log loss", "KB", "µs p50", "µs p99")
    tables.show([tables.Table(f"{evidence.test_rows:,} test rows, 95% intervals", headings, rows)], console)
    lines = [f"judged: {evidence.judged}"]
    lines += [
        f"{who} - {pair.other}: accuracy {tables.interval(pair.difference, '+')}, McNemar p = {pair.mcnemar_p:.2g}; "
        f"log loss {tables.interval(pair.log_loss_difference, '+')}"
        for who, pairs in (("student", evidence.comparisons), ("teacher", evidence.teacher_comparisons))
        for pair in pairs
        if pair.other != MAJORITY
    ]

    def shown(name: str) -> str:
        metric = evidence.metric(name)
        return tables.interval(metric) if metric else "not measured"

    before = shown("ece_before").partition(" (")[0]
    lines.append(f"retention {shown('retention')}, fidelity {shown('fidelity')}")
    lines.append(f"calibration error {shown('ece')} (before calibration {before})")
    lines += _costs(evidence)
    lines += [f"mind: {caveat}" for caveat in caveats.of(evidence)]
    lines.append(f"{sum(gate.passed for gate in gates)} of {len(gates)} gates passed")
    if folder is not None:
        lines += [f"bundle {folder}", f"report {folder / 'report.html'}"]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)


def _costs(evidence: Evidence) -> list[str]:
    """What the decisions cost, and how many rows of the classes that are dearest to miss were missed."""
    if evidence.costs is None:
        return []
    realised, argmax, difference, expected = (
        formatting.cost(evidence.metric(name))
        for name in ("realised_cost", "argmax_cost", "cost_difference", "expected_cost")
    )
    lines = [
        f"cost a row {realised}, by the most probable label {argmax}, difference {difference}",
        f"expected cost a row {expected}",
    ]
    return lines + [
        f"missed of {formatting.plain(it.label)}: {it.missed} of {it.rows}, {formatting.percent(it.share.low)} to "
        f"{formatting.percent(it.share.high)}; by the most probable label {it.missed_by_argmax}; "
        f"{it.abstained} left to a person"
        for it in evidence.costs.dearest
    ]
