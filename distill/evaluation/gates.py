"""The limits that evidence must keep. All are judged; any that fails stops the seal."""

from __future__ import annotations

from collections.abc import Sequence

from distill.errors import GateError
from distill.evaluation.evidence import Evidence, GateResult
from distill.recipe.schema import Gates

# Two float32 programs that add in another order differ by some 1e-7 a sum; an error in the export is larger.
PARITY_EXPORT = 1e-4
PARITY_INT8_LABELS = 0.97
BATCH_GAP = 1e-5


def check(evidence: Evidence, config: Gates) -> tuple[GateResult, ...]:
    """Judge the recipe's gates (by point estimate), and those that hold for every bundle."""
    teacher, student = evidence.contender("teacher"), evidence.contender("student")
    gains = {comparison.other: comparison.difference.value for comparison in evidence.comparisons}
    latency_ms = evidence.metric("latency_us_p50").value / 1000
    results = [
        _least("min_retention", config.min_retention, evidence.metric("retention").value),
        _least("min_teacher_accuracy", config.min_teacher_accuracy, teacher.accuracy.value),
        _least("min_accuracy", config.min_accuracy, student.accuracy.value),
        _least("min_gain_over_baseline", config.min_gain_over_baseline, gains.get("baseline", 0.0)),
        _least("min_gain_over_twin", config.min_gain_over_twin, gains.get("hard-label twin", 0.0)),
        _most("max_kilobytes", config.max_kilobytes, evidence.metric("kilobytes").value, "KB"),
        _most("max_latency_ms", config.max_latency_ms, latency_ms, "ms"),
        _most("max_ece", config.max_ece, evidence.metric("ece").value),
        _most("parity_export", PARITY_EXPORT, evidence.metric("parity_export").value),
        _least("parity_int8_labels", PARITY_INT8_LABELS, evidence.metric("parity_int8_labels").value),
        _most("batch_gap", BATCH_GAP, evidence.metric("batch_gap").value),
        _most("batch_label_changes", 0, evidence.metric("batch_label_changes").value),
    ]
    return tuple(result for result in results if result is not None)


def demand(results: Sequence[GateResult]) -> None:
    """Raise GateError if any gate failed, naming each with its limit and value."""
    failed = [result for result in results if not result.passed]
    if failed:
        lines = [f"  {worded(result)}" for result in failed]
        raise GateError("\n".join([f"{len(failed)} of {len(results)} gates failed, so nothing is sealed:", *lines]))


def worded(result: GateResult) -> str:
    """Name, value and limit."""
    value, limit = _apart(result.value, result.limit)
    return f"{result.name}: {value}{_unit(result)}, the limit is {limit}{_unit(result)}"


def _apart(value: float, limit: float) -> tuple[str, str]:
    """Both in as few digits as tell them apart: 0.96996 is not to read as the limit of 0.97."""
    for digits in range(4, 10):
        written = f"{value:.{digits}g}", f"{limit:.{digits}g}"
        if written[0] != written[1]:
            break
    return written


def _unit(result: GateResult) -> str:
    return f" {result.unit}" if result.unit else ""


def _least(name: str, limit: float | None, value: float) -> GateResult | None:
    return None if limit is None else GateResult(name, limit, value, value >= limit)


def _most(name: str, limit: float | None, value: float, unit: str = "") -> GateResult | None:
    return None if limit is None else GateResult(name, limit, value, value <= limit, unit)
