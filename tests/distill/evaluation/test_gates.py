from __future__ import annotations

from dataclasses import replace

import pytest

from distill.errors import GateError
from distill.evaluation import gates
from distill.evaluation.evidence import (
    BASELINE,
    MAJORITY,
    NEGLIGIBLE,
    TWIN,
    ClassMisses,
    CostEvidence,
    Evidence,
    GateResult,
    MeasuredContender,
    PairedDifference,
)
from distill.evaluation.statistics import clopper_pearson
from distill.recipe.schema import Gates
from handler.bundle.contract import Metric
from tests.distill.reporting import evidences

MEASURED = {
    "retention": 0.95,
    "ece": 0.02,
    "kilobytes": 100.0,
    "latency_us_p50": 50.0,
    "parity_export": 1e-6,
    "parity_int8_labels": 0.99,
    "batch_gap": 1e-7,
    "batch_label_changes": 0.0,
}
CONTENDERS = {"teacher": 0.9, "student": 0.85, TWIN: 0.82, BASELINE: 0.8, MAJORITY: 0.6}
NOT_WORSE = {"not_worse_than_hard_label_twin", "not_worse_than_baseline"}
ALWAYS = {"parity_export", "parity_int8_labels", "batch_gap", "batch_label_changes", *NOT_WORSE}


def number(name: str, value: float) -> Metric:
    return Metric(name, value, value, value, 0)


def pair(other: str, gain: float, p: float = 1.0, loss: float = 0.0, half: float = 0.01) -> PairedDifference:
    """The student less another: `loss` is of log loss, and `half` the half width of both intervals."""
    difference = Metric("difference", round(gain, 6), round(gain - half, 6), round(gain + half, 6), 100)
    return PairedDifference(
        other, difference, Metric("log_loss_difference", loss, loss - half, loss + half, 100), 5, 5, p
    )


def evidence(**changes: float) -> Evidence:
    """Evidence with these numbers; a role in `changes` sets that contender's accuracy."""
    measured = MEASURED | {name: value for name, value in changes.items() if name in MEASURED}
    accuracies = CONTENDERS | {name: value for name, value in changes.items() if name in CONTENDERS}
    made = evidences.evidence(("a", "b"), rows=100)

    def contender(one: MeasuredContender) -> MeasuredContender:
        return replace(one, accuracy=number("accuracy", accuracies[one.role]))

    return replace(
        made,
        contenders=tuple(contender(one) for one in made.contenders),
        comparisons=tuple(pair(one.other, accuracies["student"] - accuracies[one.other]) for one in made.comparisons),
        metrics=tuple(number(name, value) for name, value in measured.items()),
    )


def verdict(name: str, config: Gates, found: Evidence) -> bool:
    [result] = [result for result in gates.check(found, config) if result.name == name]
    return result.passed


LEAST = [
    ("min_retention", "retention", 0.9),
    ("min_teacher_accuracy", "teacher", 0.9),
    ("min_accuracy", "student", 0.8),
]


@pytest.mark.parametrize(("gate", "measured", "limit"), LEAST)
def test_a_least_value_passes_at_its_limit_and_above_and_fails_below(gate: str, measured: str, limit: float) -> None:
    config = Gates(**{gate: limit})
    assert verdict(gate, config, evidence(**{measured: limit}))
    assert verdict(gate, config, evidence(**{measured: limit + 0.01}))
    assert not verdict(gate, config, evidence(**{measured: limit - 0.0001}))


@pytest.mark.parametrize(
    ("gate", "other"), [("min_gain_over_baseline", "baseline"), ("min_gain_over_twin", "hard-label twin")]
)
def test_a_gain_is_the_students_accuracy_less_the_others(gate: str, other: str) -> None:
    config = Gates(**{gate: 0.05})
    assert verdict(gate, config, evidence(**{"student": 0.85, other: 0.80}))
    assert verdict(gate, config, evidence(**{"student": 0.86, other: 0.80}))
    assert not verdict(gate, config, evidence(**{"student": 0.8499, other: 0.80}))


@pytest.mark.parametrize(
    ("gate", "measured", "limit", "scale"),
    [
        ("max_kilobytes", "kilobytes", 500.0, 1),
        ("max_latency_ms", "latency_us_p50", 0.1, 1000),
        ("max_ece", "ece", 0.05, 1),
    ],
)
def test_a_most_value_passes_at_its_limit_and_below_and_fails_above(
    gate: str, measured: str, limit: float, scale: float
) -> None:
    config = Gates(**{gate: limit})
    assert verdict(gate, config, evidence(**{measured: limit * scale}))
    assert verdict(gate, config, evidence(**{measured: limit * scale * 0.9}))
    assert not verdict(gate, config, evidence(**{measured: limit * scale * 1.001}))


@pytest.mark.parametrize(
    ("gate", "passes", "fails"),
    [
        ("parity_export", gates.PARITY_EXPORT, 1.1e-4),
        ("parity_int8_labels", gates.PARITY_INT8_LABELS, 0.9699),
        ("batch_gap", gates.BATCH_GAP, 1.1e-5),
        ("batch_label_changes", 0.0, 1.0),
    ],
)
def test_every_bundle_keeps_the_built_in_gates(gate: str, passes: float, fails: float) -> None:
    assert verdict(gate, Gates(), evidence(**{gate: passes}))
    assert not verdict(gate, Gates(), evidence(**{gate: fails}))


def test_a_gate_that_the_recipe_does_not_set_is_not_judged() -> None:
    names = {result.name for result in gates.check(evidence(), Gates())}
    assert names == {"min_retention", "min_teacher_accuracy", "max_kilobytes", "max_latency_ms", *ALWAYS}
    assert "min_accuracy" in {result.name for result in gates.check(evidence(), Gates(min_accuracy=0.1))}


@pytest.mark.parametrize("measured", ["retention", "ece", "kilobytes", "parity_export", "batch_gap"])
def test_a_value_that_is_not_a_number_never_passes(measured: str) -> None:
    results = gates.check(evidence(**{measured: float("nan")}), Gates(min_retention=0, max_ece=1))
    assert sum(not result.passed for result in results) == 1


def test_gates_that_passed_demand_nothing() -> None:
    results = gates.check(evidence(), Gates())
    gates.demand(results)
    assert results and all(result.passed for result in results)


def test_the_error_names_each_failed_gate_with_value_and_limit_and_no_other() -> None:
    results = gates.check(evidence(retention=0.5, kilobytes=900), Gates(min_retention=0.9, max_kilobytes=500))
    with pytest.raises(GateError) as failure:
        gates.demand(results)
    *said, advice = str(failure.value).splitlines()
    assert said == [
        "2 of 10 gates failed, so nothing is sealed:",
        "  min_retention: 0.5, the limit is 0.9",
        "  max_kilobytes: 900 KB, the limit is 500 KB",
    ]
    assert "limbeck sweep RECIPE" in advice and "[gates]" in advice
    assert failure.value.exit_status == 3


def test_a_value_just_off_its_limit_is_not_written_as_the_limit() -> None:
    with pytest.raises(GateError, match=r"0\.96996, the limit is 0\.97"):
        gates.demand([GateResult("min_retention", 0.97, 0.96996, False)])


EVERY_GATE = {
    "min_retention": 0.0,
    "min_teacher_accuracy": 0.0,
    "min_accuracy": 0.0,
    "min_gain_over_baseline": -1.0,
    "min_gain_over_twin": -1.0,
    "max_kilobytes": 1e9,
    "max_latency_ms": 1e9,
    "max_ece": 1.0,
}


def test_a_gate_whose_metric_was_not_measured_fails_however_wide_its_limit() -> None:
    nothing = replace(evidence(), metrics=(), comparisons=(), contenders=())
    results = gates.check(nothing, Gates(**EVERY_GATE))
    assert {result.name for result in results} == EVERY_GATE.keys() | ALWAYS
    assert {(result.value, result.passed) for result in results} == {(None, False)}
    assert all(result.passed for result in gates.check(evidence(), Gates(**EVERY_GATE)))


def test_the_error_says_of_a_metric_that_was_not_measured_that_it_was_not() -> None:
    without = replace(evidence(), comparisons=(), metrics=evidence().metrics[1:])
    results = gates.check(without, Gates(min_retention=0.9, min_gain_over_baseline=0.01, max_kilobytes=50))
    with pytest.raises(GateError) as failure:
        gates.demand(results)
    assert str(failure.value).splitlines()[1:-1] == [
        "  min_retention was not measured, the limit is 0.9",
        "  min_gain_over_baseline was not measured, the limit is 0.01",
        "  max_kilobytes: 100 KB, the limit is 50 KB",
        "  not_worse_than_hard_label_twin was not measured, the limit is 0",
        "  not_worse_than_baseline was not measured, the limit is 0",
    ]


OTHERS = [(TWIN, "not_worse_than_hard_label_twin"), (BASELINE, "not_worse_than_baseline")]


def beside(*pairs: PairedDifference) -> Evidence:
    """Evidence in which these stand in the place of the other comparisons with the same."""
    made = evidence()
    named = {one.other: one for one in pairs}
    return replace(made, comparisons=tuple(named.get(one.other, one) for one in made.comparisons))


@pytest.mark.parametrize(("other", "gate"), OTHERS)
def test_a_student_that_is_less_often_right_than_a_twin_or_baseline_beyond_chance_fails(other: str, gate: str) -> None:
    found = beside(pair(other, -0.05, p=0.01))
    [failed] = [result for result in gates.check(found, Gates()) if not result.passed]
    assert (failed.name, failed.limit, failed.unit) == (gate, 0.0, "of accuracy")
    assert failed.value == pytest.approx(0.04)  # what it loses at least
    assert gates.worded(failed) == f"{gate}: 0.04 of accuracy, the limit is 0 of accuracy"


@pytest.mark.parametrize(("other", "gate"), OTHERS)
def test_a_student_whose_answers_are_less_likely_beyond_chance_fails_although_as_often_right(
    other: str, gate: str
) -> None:
    found = beside(pair(other, 0.0, loss=0.05))
    [failed] = [result for result in gates.check(found, Gates()) if not result.passed]
    assert (failed.name, failed.limit, failed.value, failed.unit) == (gate, NEGLIGIBLE, 0.04, "nats of log loss")


@pytest.mark.parametrize(("other", "gate"), OTHERS)
def test_what_may_be_chance_what_is_negligible_and_what_is_gained_in_accuracy_pass(other: str, gate: str) -> None:
    assert verdict(gate, Gates(), beside(pair(other, -0.05, p=0.2)))  # less often right, but that may be chance
    assert verdict(gate, Gates(), beside(pair(other, 0.0, loss=0.05, half=0.06)))  # the interval holds none
    assert verdict(gate, Gates(), beside(pair(other, 0.0, loss=NEGLIGIBLE, half=0.0)))
    assert verdict(gate, Gates(), beside(pair(other, 0.05, p=0.01, loss=0.05)))  # it is right more often
    assert not verdict(gate, Gates(), beside(pair(other, -0.05, p=0.01, loss=-0.05)))


def test_a_teacher_or_a_majority_class_that_is_better_fails_no_gate() -> None:
    found = beside(pair("teacher", -0.05, p=0.001, loss=0.5), pair(MAJORITY, -0.05, p=0.001, loss=0.5))
    assert all(result.passed for result in gates.check(found, Gates()))


@pytest.mark.parametrize(("other", "gate"), OTHERS)
def test_a_recipe_may_allow_a_student_that_is_worse(other: str, gate: str) -> None:
    found = gates.check(beside(pair(other, -0.05, p=0.001, loss=0.5)), Gates(allow_worse=True))
    assert all(result.passed for result in found)
    assert not NOT_WORSE & {result.name for result in found}


def priced(missed: int, rows: int, cost: float) -> Evidence:
    found = ClassMisses("venomous", 20.0, rows, missed, clopper_pearson("missed", missed, rows), missed, 0)
    costs = CostEvidence(True, (), (found,), ())
    made = evidence()
    return replace(
        made, metrics=(*made.metrics, number("realised_cost", cost), number("parity_costs", 0.0)), costs=costs
    )


def test_costs_and_misses_are_held_to_their_limits() -> None:
    limits = Gates(max_expected_cost=0.3, max_missed={"venomous": 0.02})
    kept = {it.name: it for it in gates.check(priced(1, 99, 0.231), limits)}
    assert kept["max_expected_cost"].passed
    assert (kept["max_missed.venomous"].passed, kept["max_missed.venomous"].value) == (True, round(1 / 99, 6))
    broken = {it.name: it for it in gates.check(priced(2, 99, 0.31), limits)}
    assert not broken["max_expected_cost"].passed and not broken["max_missed.venomous"].passed


def test_misses_of_a_class_without_rows_and_costs_that_nobody_measured_fail() -> None:
    limits = Gates(max_expected_cost=0.3, max_missed={"venomous": 0.02})
    assert not {it.name: it for it in gates.check(priced(0, 0, 0.1), limits)}["max_missed.venomous"].passed
    unmeasured = {it.name: it for it in gates.check(evidence(), limits)}
    assert unmeasured["max_expected_cost"].value is unmeasured["max_missed.venomous"].value is None
    assert not unmeasured["max_expected_cost"].passed and not unmeasured["max_missed.venomous"].passed
