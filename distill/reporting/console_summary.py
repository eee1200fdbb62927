"""The end of a run, for the person at the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from distill.evaluation.evidence import Evidence, GateResult
from distill.reporting import caveats
from handler.bundle.contract import Metric


def show(evidence: Evidence, gates: Sequence[GateResult], folder: Path | None, console: Console) -> None:
    """Print the four-way table, what the student costs, and where the bundle and its report are."""
    table = Table(
        box=None, pad_edge=False, title=f"{evidence.test_rows:,} test rows, 95% intervals", title_justify="left"
    )
    for heading in ("", "accuracy", "macro-F1", "KB", "µs p50", "µs p99"):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    for contender in evidence.contenders:
        table.add_row(
            contender.role,
            _interval(contender.accuracy),
            _interval(contender.macro_f1),
            *(
                "" if cost is None else f"{cost:,.0f}"
                for cost in (
                    contender.kilobytes,
                    contender.latency_us_p50,
                    contender.latency_us_p99,
                )
            ),
        )
    console.print(table)
    for comparison in evidence.comparisons:
        console.print(
            f"student - {comparison.other}: {_interval(comparison.difference, sign='+')}, "
            f"McNemar p = {comparison.mcnemar_p:.2g}"
        )
    console.print(
        f"retention {_interval(evidence.metric('retention'))}, fidelity {_interval(evidence.metric('fidelity'))}"
    )
    console.print(
        f"calibration error {_interval(evidence.metric('ece'))} "
        f"(before calibration {evidence.metric('ece_before').value:.3f})"
    )
    for caution in caveats.of(evidence):
        console.print(f"mind: {caution}", soft_wrap=True, markup=False)
    console.print(f"{sum(gate.passed for gate in gates)} of {len(gates)} gates passed")
    if folder is not None:
        console.print(f"bundle {folder}", soft_wrap=True, markup=False)
        console.print(f"report {folder / 'report.html'}", soft_wrap=True, markup=False)


def _interval(metric: Metric, sign: str = "") -> str:
    return f"{metric.value:{sign}.3f} ({metric.low:{sign}.3f} to {metric.high:{sign}.3f})"
