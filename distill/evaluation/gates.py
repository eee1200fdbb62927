"""The limits that evidence must keep. All are checked; any that fails stops the seal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from distill.errors import GateError
from distill.evaluation.evidence import BASELINE, NEGLIGIBLE, TWIN, Evidence, GateResult
from distill.recipe.schema import Gates

# Two float32 programs that add in another order differ by some 1e-7 a sum; an error in the export is larger.
PARITY_EXPORT = 1e-4
PARITY_INT8_LABELS = 0.97
BATCH_GAP = 1e-5
PARITY_COSTS = 1e-5  # of the highest price
_ADVICE = (
    "More labelled rows help, or another student: `limbeck sweep RECIPE` shows what each keeps and costs. A limit that "
    "the recipe sets is changed under [gates]; docs/recipe.md says what each is."
)


def check(evidence: Evidence, config: Gates) -> tuple[GateResult, ...]:
    """The recipe's gates (by point estimate), and those that hold for every bundle.

    A gate whose metric was not measured fails.
    """
    metrics = {metric.name: metric.value for metric in evidence.metrics}
    accuracies = {contender.role: contender.accuracy.value for contender in evidence.contenders}
    gains = {comparison.other: comparison.difference.value for comparison in evidence.comparisons}
    misses = evidence.costs.misses if evidence.costs else ()
    missed = {it.label: it.share.value for it in misses if it.rows}
    latency_us = metrics.get("latency_us_p50")
    results = [
        _least("min_retention", config.min_retention, metrics.get("retention")),
        _least("min_teacher_accuracy", config.min_teacher_accuracy, accuracies.get("teacher")),
        _least("min_accuracy", config.min_accuracy, accuracies.get("student")),
        _least("min_gain_over_baseline", config.min_gain_over_baseline, gains.get("baseline")),
        _least("min_gain_over_twin", config.min_gain_over_twin, gains.get(TWIN)),
        _most("max_kilobytes", config.max_kilobytes, metrics.get("kilobytes"), "KB"),
        _most("max_latency_ms", config.max_latency_ms, None if latency_us is None else latency_us / 1000, "ms"),
        _most("max_ece", config.max_ece, metrics.get("ece")),
        _most("max_expected_cost", config.max_expected_cost, metrics.get("realised_cost"), "a row"),
        *(_most(f"max_missed.{label}", most, missed.get(label)) for label, most in config.max_missed.items()),
        _most("parity_export", PARITY_EXPORT, metrics.get("parity_export")),
        _least("parity_int8_labels", PARITY_INT8_LABELS, metrics.get("parity_int8_labels")),
        _most("batch_gap", BATCH_GAP, metrics.get("batch_gap")),
        _most("batch_label_changes", 0, metrics.get("batch_label_changes")),
        _most("parity_costs", PARITY_COSTS, metrics.get("parity_costs")) if evidence.costs else None,
        *(() if config.allow_worse else _not_worse(evidence)),
    ]
    return tuple(result for result in results if result is not None)


def demand(results: Sequence[GateResult]) -> None:
    """Raise GateError if any gate failed, naming each with its limit and value."""
    failed = [result for result in results if not result.passed]
    if failed:
        lines = [f"  {worded(result)}" for result in failed]
        said = f"{len(failed)} of {len(results)} gates failed, so nothing is sealed:"
        raise GateError("\n".join([said, *lines, _ADVICE]))


def _not_worse(evidence: Evidence) -> Iterator[GateResult]:
    """Whether the student is as good as what costs no teacher: as its twin, and as the plain baseline.

    The value is what it loses at least, at the better end of the 95% interval: in accuracy, or else in log loss.
    """
    pairs = {pair.other: pair for pair in evidence.comparisons}
    for other in (TWIN, BASELINE):
        name = f"not_worse_than_{'_'.join(other.replace('-', ' ').split())}"
        pair = pairs.get(other)
        if pair is None:
            yield GateResult(name, 0.0, None, False)
        elif pair.verdict == "worse":
            yield GateResult(name, 0.0, max(-pair.difference.high, 1e-6), False, "of accuracy")
        else:
            low, passed = pair.log_loss_difference.low, not pair.is_worse
            yield GateResult(name, NEGLIGIBLE, min(low, NEGLIGIBLE) if passed else low, passed, "nats of log loss")


def worded(result: GateResult) -> str:
    """Name, value and limit."""
    unit = f" {result.unit}" if result.unit else ""
    if result.value is None:
        return f"{result.name} was not measured, the limit is {result.limit:g}{unit}"
    value, limit = apart(result.value, result.limit, lambda number, digits: f"{number:.{digits + 1}g}")
    return f"{result.name}: {value}{unit}, the limit is {limit}{unit}"


def apart(one: float, other: float, write: Callable[[float, int], str]) -> tuple[str, str]:
    """Two numbers in as few digits as tell them apart: 0.96996 is not to read as the limit of 0.97.

    `write`: a number and how many digits of it -> text.
    """
    for digits in range(3, 9):
        texts = write(one, digits), write(other, digits)
        if one == other or texts[0] != texts[1]:
            break
    return texts


def _least(name: str, limit: float | None, value: float | None) -> GateResult | None:
    return None if limit is None else GateResult(name, limit, value, value is not None and value >= limit)


def _most(name: str, limit: float | None, value: float | None, unit: str = "") -> GateResult | None:
    return None if limit is None else GateResult(name, limit, value, value is not None and value <= limit, unit)
