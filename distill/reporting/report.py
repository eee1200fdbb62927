"""Evidence as one HTML file that a person reads: no outside links, no scripts, light and dark, phone and desk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from distill.evaluation.evidence import ClassRow, Comparison, Evidence, GateResult
from distill.reporting import caveats, formatting, plots
from handler.bundle.contract import Metric, Serving

TEMPLATES = Path(__file__).parent / "templates"
FOLDED_ROWS = 12  # a longer table shows this many and folds the rest away
WIDE_FROM = 8  # classes from which the confusion matrix takes the page's whole width
_LONG = ("recipe", "packages")  # parts of the provenance that are folded away
_MISTAKES = 8
_COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5)


@dataclass(frozen=True)
class Mistake:
    """A gold class taken for another: how often, and as a share of the gold class's rows."""

    gold: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True)
class Gate:
    """A gate as it is written: `value sign limit`."""

    name: str
    sign: str  # "≥", "≤", or "" where the name does not tell
    limit: str
    value: str
    passed: bool


def html(
    title: str,
    serving: Serving,
    evidence: Evidence,
    gates: Sequence[GateResult],
    provenance: Mapping[str, Any],
) -> str:
    """The whole report. Everything that came from a user is escaped; same arguments, same bytes."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": formatting.plain,
        "short": formatting.short,
        "percent": formatting.percent,
        "points": formatting.points,
        "number": formatting.number,
        "kilobytes": formatting.kilobytes,
        "microseconds": formatting.microseconds,
        "p_value": formatting.p_value,
        "metric_name": formatting.name_of,
        "metric_value": formatting.value_of,
        "metric_interval": formatting.interval_of,
    }
    return environment.get_template("report.html.j2").render(
        title=formatting.plain(title),
        css=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # ours, no user's text
        serving=serving,
        evidence=evidence,
        student=evidence.contender("student"),
        retention=find(evidence, "retention"),
        summary=summary(evidence),
        gates=[describe(gate) for gate in gates],
        cautions=caveats.of(evidence),
        failed=sum(not gate.passed for gate in gates),
        classes=worst_first(evidence.per_class),
        folded=FOLDED_ROWS,
        metrics=formatting.not_in_table_of_four(evidence.metrics),
        wide=len(serving.labels) >= WIDE_FROM,
        mistakes=mistakes(evidence, serving.labels),
        verdict=verdict,
        coverages=at_coverages(evidence),
        ece_of=plots.ece,
        provenance={key: value for key, value in provenance.items() if key not in _LONG},
        long_provenance={key: provenance[key] for key in _LONG if key in provenance},
        pictures={name: Markup(svg) for name, svg in _pictures(serving, evidence).items()},  # escaped by ElementTree
    )


def find(evidence: Evidence, name: str) -> Metric | None:
    """The metric called `name`, or None."""
    return next((metric for metric in evidence.metrics if metric.name == name), None)


def describe(gate: GateResult) -> Gate:
    """The gate with enough digits to see why it passed or failed."""
    limit, value = formatting.apart(gate.limit, gate.value)
    unit = f" {formatting.plain(gate.unit)}" if gate.unit else ""
    return Gate(formatting.plain(gate.name), _sign(gate), limit + unit, value + unit, gate.passed)


def _sign(gate: GateResult) -> str:
    """Which side of its limit the value has to be on: from the name, or else from how it was judged."""
    if gate.name.startswith(("min_", "max_")):
        return "≥" if gate.name.startswith("min_") else "≤"
    if gate.value == gate.limit:
        return ""
    return "≤" if (gate.value < gate.limit) == gate.passed else "≥"


def worst_first(rows: Sequence[ClassRow]) -> list[ClassRow]:
    """Classes by rising F1; classes without test rows last."""
    return sorted(rows, key=lambda row: (row.support == 0, row.f1, row.label))


def mistakes(evidence: Evidence, labels: Sequence[str]) -> list[Mistake]:
    """The commonest confusions, most rows first."""
    made = [
        Mistake(labels[i], labels[j], count, count / sum(row))
        for i, row in enumerate(evidence.confusion)
        for j, count in enumerate(row)
        if i != j and count
    ]
    return sorted(made, key=lambda mistake: (-mistake.count, -mistake.share, mistake.gold))[:_MISTAKES]


def verdict(comparison: Comparison) -> tuple[str, str]:
    """What the paired interval says, and its mark: below the teacher is no failure, the gates judge that."""
    if comparison.difference.low > 0:
        return "better", "pass"
    if comparison.difference.high < 0:
        return "worse", "even" if comparison.other == "teacher" else "fail"
    return "no clear difference", "even"


def at_coverages(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Coverage, error rate and threshold at a few round coverages, as written."""
    rows = []
    for wanted in _COVERAGES:
        near = min(evidence.risk_coverage, key=lambda point: abs(point.coverage - wanted), default=None)
        if near is not None and abs(near.coverage - wanted) < 0.03:
            rows.append(
                (formatting.percent(wanted, 0), formatting.percent(near.risk), formatting.number(near.threshold))
            )
    return rows


def summary(evidence: Evidence) -> str:
    """The result in one sentence, as far as it was measured."""
    student, teacher = evidence.contender("student"), evidence.contender("teacher")
    parts = []
    if retention := find(evidence, "retention"):
        parts.append(f"keeps {formatting.percent(retention.value)} of its teacher's accuracy")
    if smaller := _times(teacher.kilobytes, student.kilobytes):
        parts.append(f"is {smaller} smaller")
    if faster := _times(teacher.latency_us_p50, student.latency_us_p50):
        parts.append(f"answers {faster} faster")
    if not parts:
        return f"Judged on {evidence.test_rows:,} test rows."
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"The student {listed}. Judged once, on {evidence.test_rows:,} test rows."


def _times(large: float | None, small: float | None) -> str:
    if large is None or small is None or not (math.isfinite(large) and math.isfinite(small)) or small <= 0:
        return ""
    ratio = large / small
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.1f} times" if ratio >= 1.1 else ""


def _pictures(serving: Serving, evidence: Evidence) -> dict[str, str]:
    made = {"contenders": plots.contenders(evidence.contenders)}
    if evidence.confusion:
        made["confusion"] = plots.confusion(evidence.confusion, serving.labels)
    if evidence.reliability:
        made["reliability"] = plots.reliability(evidence.reliability_before, evidence.reliability)
    if evidence.risk_coverage:
        made["risk"] = plots.risk_coverage(evidence.risk_coverage, serving.thresholds.abstain_below)
    return made
