"""Evidence as one HTML file that a person reads: no outside links, no scripts, light and dark, phone and desk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from distill.evaluation.evidence import BASELINE, MAJORITY, TWIN, ClassRow, Evidence, GateResult, PairedDifference
from distill.reporting import caveats, formatting, plots, rendering
from handler.bundle.contract import Serving

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


def html(
    title: str,
    serving: Serving,
    evidence: Evidence,
    gates: Sequence[GateResult],
    provenance: Mapping[str, Any],
) -> str:
    """The whole report. Everything that came from a user is escaped; same arguments, same bytes."""
    pictures = _pictures(serving, evidence)
    template = rendering.environment().get_template("report.html.j2")
    return template.render(
        title=formatting.plain(title),
        css=Markup((rendering.TEMPLATES / "report.css").read_text(encoding="utf-8")),  # ours, no user's text
        serving=serving,
        evidence=evidence,
        student=evidence.contender("student"),
        retention=evidence.metric("retention"),
        summary=summary(evidence),
        gates=[formatting.gate_of(gate) for gate in gates],
        caveats=caveats.of(evidence),
        failed=sum(not gate.passed for gate in gates),
        classes=worst_first(evidence.per_class),
        folded=FOLDED_ROWS,
        metrics=formatting.not_in_table_of_four(evidence.metrics),
        wide=len(serving.labels) >= WIDE_FROM,
        mistakes=mistakes(evidence, serving.labels),
        verdict=verdict,
        coverages=at_coverages(evidence),
        dear=evidence.costs.dearest if evidence.costs else (),
        provenance={key: value for key, value in provenance.items() if key not in _LONG},
        long_provenance={key: provenance[key] for key in _LONG if key in provenance},
        pictures={name: Markup(svg) for name, svg in pictures.items()},  # escaped by ElementTree
    )


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


def verdict(comparison: PairedDifference) -> tuple[str, str]:
    """What the student is, and its mark: below the teacher is no failure, there are gates for that."""
    below = "even" if comparison.other == "teacher" else "fail"
    marks = {"better": ("better", "pass"), "worse": ("worse", below), "level": ("no clear difference", "even")}
    return marks["worse" if comparison.is_worse else comparison.verdict]


def at_coverages(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Coverage, error rate and threshold at a few round coverages, as written."""
    points = evidence.risk_coverage
    near = [min(points, key=lambda point: abs(point.coverage - wanted)) for wanted in _COVERAGES if points]
    return [
        (formatting.percent(wanted, 0), formatting.percent(point.risk), formatting.number(point.threshold))
        for wanted, point in zip(_COVERAGES, near, strict=False)
        if abs(point.coverage - wanted) < 0.03
    ]


def summary(evidence: Evidence) -> str:
    """The result in one sentence, as far as it was measured."""
    student, teacher = evidence.contender("student"), evidence.contender("teacher")
    parts = []
    if retention := evidence.metric("retention"):
        parts.append(f"keeps {formatting.percent(retention.value)} of its teacher's accuracy")
    for pair in evidence.comparisons:
        if pair.other in (TWIN, BASELINE):
            parts.append(f"gains {formatting.points(pair.difference.value)} points over the {pair.other}")
    if smaller := _times(teacher.kilobytes, student.kilobytes):
        parts.append(f"is {smaller} smaller")
    if faster := _times(teacher.latency_us_p50, student.latency_us_p50):
        parts.append(f"answers {faster} faster")
    if not parts:
        return f"Judged: {evidence.judged}."
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"The student {listed}. Judged: {evidence.judged}."


def _times(large: float | None, small: float | None) -> str:
    if large is None or small is None or not (math.isfinite(large) and math.isfinite(small)) or small <= 0:
        return ""
    ratio = large / small
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.1f} times" if ratio >= 1.1 else ""


def _pictures(serving: Serving, evidence: Evidence) -> dict[str, str]:
    threshold = serving.thresholds.abstain_below
    return {
        "contenders": plots.contenders([one for one in evidence.contenders if one.role != MAJORITY]),
        **({"confusion": plots.confusion(evidence.confusion, serving.labels)} if evidence.confusion else {}),
        **({"reliability": plots.reliability(evidence)} if evidence.reliability else {}),
        **({"costs": plots.costs(evidence.costs.over_ratio)} if evidence.costs and evidence.costs.over_ratio else {}),
        **({"risk": plots.risk_coverage(evidence.risk_coverage, threshold)} if evidence.risk_coverage else {}),
    }
