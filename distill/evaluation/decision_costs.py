"""What decisions cost in truth, beside what the most probable label would have cost on the same rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from distill.evaluation import statistics
from distill.evaluation.contenders import Contender, Floats, Labels
from distill.evaluation.evidence import ClassMisses, ContenderCost, CostEvidence, RatioPoint
from distill.runtime import batched
from handler.bundle.abstention import Thresholds
from handler.bundle.contract import Metric
from handler.bundle.costs import Costs
from handler.model import decisions
from handler.model.predictor import Predictor

_RATIOS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)


@dataclass(frozen=True)
class Prices:
    """What a model is served with: the costs, and the threshold under which it abstains besides."""

    costs: Costs
    thresholds: Thresholds


@dataclass(frozen=True, eq=False)
class Decided:
    """What was decided for rows [M], what that cost, and what it was expected to."""

    labels: Labels
    abstained: np.typing.NDArray[np.bool_]
    realised: Floats
    expected: Floats


def by_cost(probabilities: Floats, gold: Labels, prices: Prices) -> Decided:
    """As a model with costs decides, rows [M,K]."""
    expected = decisions.expected_costs(probabilities, prices.costs)
    labels = decisions.labels(probabilities, expected)
    return _decided(labels, decisions.abstained(probabilities, expected), probabilities, gold, prices)


def by_probability(probabilities: Floats, gold: Labels, prices: Prices) -> Decided:
    """As the same model decides without costs: the most probable label."""
    nothing = np.zeros(len(gold), dtype=np.bool_)
    return _decided(np.asarray(probabilities.argmax(axis=1)), nothing, probabilities, gold, prices)


def measured(
    student: Contender, others: Sequence[Contender], gold: Labels, labels: Sequence[str], prices: Prices,
    samples: statistics.Bootstrap,
) -> tuple[CostEvidence, tuple[Metric, ...]]:  # fmt: skip
    """The evidence on costs, and its numbers as metrics. `gold`: of all answers [R*N], as the contenders have them."""
    own, plain = (decide(student.probabilities, gold, prices) for decide in (by_cost, by_probability))
    realised = samples.mean("realised_cost", own.realised)
    expected = samples.mean("expected_cost", own.expected)
    metrics = (
        realised,
        samples.mean("argmax_cost", plain.realised),
        samples.mean("cost_difference", own.realised - plain.realised),
        samples.ratio("cost_ratio", own.realised, plain.realised),
        expected,
        samples.share("decided_rightly", (own.labels == gold) & ~own.abstained),
        samples.share("decided_abstained", own.abstained),
    )
    compared = (
        ContenderCost(
            one.role,
            samples.mean("realised_cost", by_cost(one.probabilities, gold, prices).realised),
            samples.mean("argmax_cost", by_probability(one.probabilities, gold, prices).realised),
        )
        for one in (others[0], student, *others[1:])
    )
    found = CostEvidence(
        is_as_expected=realised.low <= expected.value <= realised.high,
        contenders=tuple(compared),
        misses=tuple(_misses(own, plain, gold, labels, prices.costs, samples.rows)),
        over_ratio=tuple(_over_ratio(student.probabilities, gold, prices)),
    )
    return found, metrics


def parity(
    predictor: Predictor,
    columns: batched.Columns,
    probabilities: Floats,
    costs: Costs,
    feeds: batched.Feeds = batched.feeds,
) -> Metric:
    """How far the served graph's expected costs are from those of its probabilities [N,K].

    As a share of the highest price.
    """
    found = batched.run(predictor.outputs, columns, feeds)[2]
    unit = max(float(decisions.prices(costs).max()), 1e-9)
    gap = float(f"{float(np.abs(found - decisions.expected_costs(probabilities, costs)).max()) / unit:.3g}")
    return Metric("parity_costs", gap, gap, gap, 0)


def _decided(
    labels: Labels, abstained: np.typing.NDArray[np.bool_], probabilities: Floats, gold: Labels, prices: Prices
) -> Decided:
    """An answer under the threshold abstains too; it costs what abstaining does where that has a price."""
    matrix, abstain = np.array(prices.costs.matrix), prices.costs.abstain
    abstained = abstained | np.asarray(prices.thresholds.abstains(probabilities.max(axis=1)))
    every = np.arange(len(gold))
    realised = matrix[gold, labels]
    expected = decisions.expected_costs(probabilities, prices.costs).astype(np.float64)[every, labels]
    if abstain is not None:
        realised, expected = (np.where(abstained, abstain, costs) for costs in (realised, expected))
    return Decided(labels, abstained, realised, expected)


def _price(costs: Costs, place: int) -> float:
    """Of missing a class, at most."""
    return max(price for decision, price in enumerate(costs.matrix[place]) if decision != place)


def _misses(
    own: Decided, plain: Decided, gold: Labels, labels: Sequence[str], costs: Costs, rows: int
) -> Iterator[ClassMisses]:
    """Of each class, the dearest first. Of rows that were judged several times, the first answers count."""
    gold = gold[:rows]
    for place in sorted(range(len(labels)), key=lambda it: (-_price(costs, it), labels[it])):
        there = gold == place
        wrong, wrong_plain = (there & (one.labels[:rows] != place) & ~one.abstained[:rows] for one in (own, plain))
        yield ClassMisses(
            label=labels[place],
            price=_price(costs, place),
            rows=int(there.sum()),
            missed=int(wrong.sum()),
            share=statistics.clopper_pearson("missed", int(wrong.sum()), int(there.sum())),
            missed_by_argmax=int(wrong_plain.sum()),
            abstained=int((there & own.abstained[:rows]).sum()),
        )


def _over_ratio(probabilities: Floats, gold: Labels, prices: Prices) -> Iterator[RatioPoint]:
    """Both ways to decide where dear mistakes cost more or less of an ordinary one than the recipe says."""
    matrix = np.array(prices.costs.matrix)
    is_mistake = ~np.eye(len(matrix), dtype=np.bool_) & (matrix > 0)
    mistakes = matrix[is_mistake]
    if not len(mistakes) or mistakes.min() == mistakes.max():
        return
    least, served = float(mistakes.min()), float(mistakes.max() / mistakes.min())
    for ratio in sorted({*map(float, _RATIOS), served}):
        # Each price on its way from an ordinary one to the recipe's, and as far beyond, in equal steps of logarithms.
        power = math.log(ratio) / math.log(served)
        varied = np.where(is_mistake, least * (np.maximum(matrix, least) / least) ** power, matrix)
        costs = replace(prices.costs, matrix=tuple(map(tuple, varied.tolist())))
        ours, plain = (
            float(decide(probabilities, gold, replace(prices, costs=costs)).realised.mean())
            for decide in (by_cost, by_probability)
        )
        yield RatioPoint(round(ratio, 6), round(ours, 6), round(plain, 6), ratio == served)
