"""How numbers and names are written for people, the same in the report and in the card."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from distill.evaluation import gates
from distill.evaluation.evidence import GateResult
from handler.bundle.contract import Metric

ABSENT = "–"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+")
_ACRONYMS = re.compile(r"\b(auroc|auc|ece|nll|onnx|f1)\b", re.IGNORECASE)


@dataclass(frozen=True)
class MetricName:
    """What a metric is called, whether it is a share, and what it says."""

    title: str
    share: bool
    meaning: str


METRICS = {
    "accuracy": MetricName("Accuracy", True, "Share of test rows answered rightly."),
    "macro_f1": MetricName("Macro-F1", True, "Mean over classes of the harmonic mean of precision and recall."),
    "retention": MetricName("Retention", True, "Student accuracy divided by teacher accuracy."),
    "gain_over_twin": MetricName("Gain over the twin", True, "Student accuracy less that of its hard-label twin."),
    "gain_over_baseline": MetricName("Gain over the baseline", True, "Student accuracy less the plain baseline's."),
    "fidelity": MetricName("Fidelity", True, "Share of test rows where student and teacher give the same label."),
    "ece": MetricName("ECE", False, "Expected calibration error after calibration; 0 is perfect."),
    "ece_before": MetricName("ECE before calibration", False, "The same before the temperature was fitted."),
    "log_loss": MetricName("Log loss", False, "Mean negative log-likelihood of the gold label."),
    "nll": MetricName("NLL", False, "Mean negative log-likelihood of the gold label after calibration."),
    "nll_before": MetricName("NLL before calibration", False, "The same before the temperature was fitted."),
    "brier": MetricName("Brier score", False, "Mean squared error of the probabilities; 0 is perfect."),
    "novelty_auroc": MetricName("Novelty AUROC", False, "How well novelty tells new rows from known; 0.5 is chance."),
    "confidence_auroc": MetricName("AUROC of 1 − max probability", False, "The same told by low confidence alone."),
    "realised_cost": MetricName("Cost a row", False, "What the student's decisions cost, by the recipe's prices."),
    "argmax_cost": MetricName("Cost a row by argmax", False, "Deciding the most probable label on the same rows."),
    "cost_difference": MetricName("Cost less that by argmax", False, "Paired on the same rows; below 0 costs less."),
    "cost_ratio": MetricName("Cost over that by argmax", True, "What is left of it when costs decide."),
    "expected_cost": MetricName("Expected cost a row", False, "What the probabilities made the decisions expect."),
    "decided_rightly": MetricName("Decided rightly", True, "Share of rows that costs had answered, and rightly."),
    "decided_abstained": MetricName("Abstained", True, "Share of rows that were left to a person."),
    "parity_costs": MetricName("Costs gap", False, "Served graph to probabilities times prices, of the highest price."),
    "parity_export": MetricName("Export gap", False, "Largest difference in probability, torch to float graph."),
    "parity_int8": MetricName("Int8 gap", False, "Largest difference in probability, torch to the served graph."),
    "parity_int8_labels": MetricName("Int8 agreement", True, "Share of rows where both give the same label."),
    "batch_gap": MetricName("Batch gap", False, "Largest difference in probability, alone to in a batch."),
    "batch_label_changes": MetricName("Batch label changes", False, "Rows whose label depends on their batch."),
    "kilobytes": MetricName("Kilobytes", False, "Size of model.onnx."),
    "latency_us_p50": MetricName("Latency p50, µs", False, "One row, one thread, raw input to probabilities."),
    "latency_us_p99": MetricName("Latency p99, µs", False, "The slowest in a hundred."),
    "speedup_over_teacher": MetricName("Speed over the teacher", False, "Teacher's p50 divided by the student's."),
}

IN_TABLE_OF_FOUR = frozenset({"accuracy", "macro_f1", "nll", "kilobytes", "latency_us_p50", "latency_us_p99"})


def plain(value: object) -> str:
    """Any text on one line, with nothing that cannot be printed or encoded."""
    text = str(value).encode("utf-8", "replace").decode()
    return _UNPRINTABLE.sub(" ", text).strip() or "(empty)"


def short(value: object, width: int = 22) -> str:
    """`plain` text cut in its middle to at most `width` characters."""
    text = plain(value)
    if len(text) <= width:
        return text
    head = (width - 1) * 2 // 3
    return f"{text[:head].rstrip()}…{text[head + 1 - width :].lstrip()}"


def percent(value: float | None, digits: int = 1) -> str:
    """0.713 as 71.3%."""
    return f"{100 * value:.{digits}f}%" if value is not None and math.isfinite(value) else ABSENT


def points(value: float) -> str:
    """A difference of two shares, 0.032, as +3.2."""
    if not math.isfinite(value):
        return ABSENT
    text = f"{100 * value:+.1f}".replace("-", "−")
    return "0.0" if text[1:] == "0.0" else text


def number(value: float | None, digits: int = 3) -> str:
    """A number with about `digits` significant digits, thousands set apart."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0 or abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}".replace("-", "−")
    if abs(value) < 1e-3:
        return re.sub(r"e-0*", "e-", f"{value:.{digits - 1}g}").replace("-", "−")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", "−")


def p_value(value: float) -> str:
    """A p value; tiny ones as a bound."""
    if not math.isfinite(value):
        return ABSENT
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}" if value < 0.01 else f"{value:.2f}"


def cost(metric: Metric | None) -> str:
    """A cost a row with its interval, as "0.231 (0.168 to 0.301)"."""
    if metric is None:
        return ABSENT
    return f"{number(metric.value)} ({number(metric.low)} to {number(metric.high)})"


def kilobytes(value: float | None) -> str:
    """Kilobytes with their unit."""
    return f"{number(value)} kB" if value is not None and math.isfinite(value) else ABSENT


def microseconds(value: float | None) -> str:
    """A latency given in microseconds, in µs or, from a thousand on, in ms."""
    if value is None or not math.isfinite(value):
        return ABSENT
    return f"{number(value)} µs" if value < 1000 else f"{number(value / 1000)} ms"


def has_interval(metric: Metric) -> bool:
    """Whether the metric is a sample statistic with an interval worth writing."""
    return metric.n > 0 and math.isfinite(metric.low) and math.isfinite(metric.high) and metric.low < metric.high


def name_of(metric: Metric) -> MetricName:
    """The metric's title and meaning; one nobody named here gets its own name made readable."""
    words = plain(metric.name).replace("_", " ")
    readable = _ACRONYMS.sub(lambda found: found[0].upper(), words[:1].upper() + words[1:])
    return METRICS.get(metric.name, MetricName(readable, False, ""))


def value_of(metric: Metric) -> str:
    """The metric's point estimate, a share as a percentage."""
    return percent(metric.value) if name_of(metric).share else number(metric.value)


def not_in_table_of_four(metrics: Iterable[Metric]) -> list[Metric]:
    """The metrics that the contenders' table does not show anyway."""
    return [metric for metric in metrics if metric.name not in IN_TABLE_OF_FOUR]


def interval_of(metric: Metric) -> str:
    """The metric's 95% interval as "68.9 to 73.6", or nothing."""
    if not has_interval(metric):
        return ""
    if name_of(metric).share:
        return f"{100 * metric.low:.1f} to {100 * metric.high:.1f}"
    return f"{number(metric.low)} to {number(metric.high)}"


def gate_of(result: GateResult) -> dict[str, object]:
    """The gate as the templates read it, `value sign limit`, with enough digits to see why it passed or failed."""
    sign = {"min": "≥", "max": "≤"}.get(result.name[:3], "")
    if result.value is None:
        limit, value = number(result.limit), "not measured"
    else:
        if not sign and result.value != result.limit:  # the name does not tell: whether it passed does
            sign = "≤" if (result.value < result.limit) == result.passed else "≥"
        unit = f" {plain(result.unit)}" if result.unit else ""
        limit, value = (text + unit for text in gates.apart(result.limit, result.value, number))
    return {"name": plain(result.name), "sign": sign, "limit": limit, "value": value, "passed": result.passed}
