from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from distill.evaluation import decision_costs, evaluate, statistics
from distill.evaluation.contenders import Contender
from distill.evaluation.decision_costs import Prices
from distill.evaluation.evidence import Evidence
from handler.bundle.abstention import Thresholds
from handler.bundle.costs import Costs
from tests.distill import made

DANGEROUS = Costs(((0.0, 1.0), (20.0, 0.0)), 0.5)
NEVER = Thresholds(abstain_below=0.0)
ROWS = 400


def drawn(seed: int = 0, sharper: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [N,2], and labels that are drawn by them. `sharper`: how much too sure the probabilities are."""
    random = np.random.default_rng(seed)
    second = random.beta(0.6, 1.4, ROWS)
    gold = (random.random(ROWS) < second).astype(np.int64)
    odds = (second / (1 - second)) ** sharper
    second = odds / (1 + odds)
    return np.stack([1 - second, second], axis=1).astype(np.float32), gold


def evidence_of(prices: Prices, repeats: int = 1, sharper: float = 1.0) -> Evidence:
    probabilities, gold = drawn(sharper=sharper)
    rows = made.text_rows([str(i) for i in range(ROWS)], gold.tolist())
    student = Contender("student", "student", "drawn", np.tile(probabilities, (repeats, 1)))
    teacher = replace(student, name="teacher", role="teacher")
    judged = evaluate.Judged(rows, ("harmless", "venomous"), "all", repeats, prices)
    return evaluate.run(student, [teacher], 1.0, (), None, judged, 300, 0)


@pytest.mark.parametrize("repeats", [1, 2])
def test_calibrated_decisions_cost_what_they_were_expected_to_and_less_than_the_most_probable_label(
    repeats: int,
) -> None:
    found = evidence_of(Prices(DANGEROUS, NEVER), repeats)
    realised, argmax, difference, ratio, expected = (
        found.metric(name)
        for name in ("realised_cost", "argmax_cost", "cost_difference", "cost_ratio", "expected_cost")
    )
    assert realised.value < 0.4 * argmax.value
    assert difference.value == pytest.approx(realised.value - argmax.value, abs=1e-5)
    assert difference.high < 0
    assert ratio.value == pytest.approx(realised.value / argmax.value, abs=1e-5)
    assert realised.low <= expected.value <= realised.high
    assert found.costs.is_as_expected
    assert realised.n == ROWS


def test_probabilities_that_are_too_sure_expect_less_than_their_decisions_cost() -> None:
    found = evidence_of(Prices(DANGEROUS, NEVER), sharper=4.0)
    assert found.metric("expected_cost").value < found.metric("realised_cost").low
    assert not found.costs.is_as_expected


def test_misses_are_counted_of_rows_with_an_exact_interval_and_abstained_rows_are_no_misses() -> None:
    probabilities, gold = drawn()
    found = evidence_of(Prices(DANGEROUS, NEVER), repeats=2)
    first, second = found.costs.misses
    assert (first.label, first.price, second.label, second.price) == ("venomous", 20.0, "harmless", 1.0)
    own = decision_costs.by_cost(probabilities, gold, Prices(DANGEROUS, NEVER))
    assert first.rows == int((gold == 1).sum())
    assert first.missed == int(((gold == 1) & (own.labels == 0) & ~own.abstained).sum())
    assert first.missed_by_argmax == int(((gold == 1) & (probabilities[:, 1] < 0.5)).sum()) > first.missed
    assert first.abstained == int(((gold == 1) & own.abstained).sum()) > 0
    assert first.share.low <= first.missed / first.rows <= first.share.high
    assert [it.label for it in found.costs.dearest] == ["venomous"]


def test_the_exact_interval_is_that_of_the_tables() -> None:
    none, one = (statistics.clopper_pearson("missed", k, 99) for k in (0, 1))
    assert (none.low, none.high) == (0.0, pytest.approx(0.036577, abs=1e-5))  # 1 - 0.025 ** (1 / 99)
    assert (one.low, one.high) == (pytest.approx(0.000256, abs=1e-5), pytest.approx(0.054995, abs=1e-4))
    assert (statistics.clopper_pearson("missed", 0, 0).low, statistics.clopper_pearson("missed", 0, 0).high) == (0, 1)


def test_where_all_mistakes_cost_the_same_both_ways_to_decide_cost_the_same() -> None:
    alike = Costs(((0.0, 1.0), (1.0, 0.0)))
    found = evidence_of(Prices(alike, NEVER))
    assert found.metric("realised_cost") == replace(found.metric("argmax_cost"), name="realised_cost")
    assert found.metric("realised_cost").value == pytest.approx(1 - found.contender("student").accuracy.value, abs=1e-6)
    assert found.metric("cost_difference").value == 0
    assert found.costs.over_ratio == found.costs.dearest == ()


def test_the_curve_passes_through_the_recipes_prices_and_begins_where_mistakes_cost_the_same() -> None:
    found = evidence_of(Prices(replace(DANGEROUS, abstain=None), NEVER))
    points = {it.ratio: it for it in found.costs.over_ratio}
    assert [it.ratio for it in found.costs.over_ratio if it.is_served] == [20.0]
    assert points[20.0].least_cost == pytest.approx(found.metric("realised_cost").value, abs=1e-6)
    assert points[20.0].argmax == pytest.approx(found.metric("argmax_cost").value, abs=1e-6)
    assert points[1.0].least_cost == points[1.0].argmax
    assert max(points) == 100.0
    assert points[100.0].argmax > points[20.0].argmax


def test_rows_under_the_threshold_cost_what_abstaining_does() -> None:
    everything = Thresholds(abstain_below=1.0)
    found = evidence_of(Prices(DANGEROUS, everything))
    assert found.metric("realised_cost").value == found.metric("argmax_cost").value == 0.5
    assert found.metric("decided_abstained").value == 1
    unpriced = evidence_of(Prices(replace(DANGEROUS, abstain=None), everything))
    assert unpriced.metric("realised_cost").value != 0.5
