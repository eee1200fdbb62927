"""The 95% intervals hold the truth in 93 to 97% of simulations: of shares, of gains, and of cross-fitted answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from distill.data import cross_fit_splits
from distill.data.rows import Rows
from distill.evaluation.statistics import Bootstrap
from handler.bundle.contract import Metric
from tests.distill import made

TIMES = 2000


def holds(metric: Metric, truth: float) -> bool:
    return metric.low <= truth <= metric.high


@pytest.mark.parametrize("rows", [150, 300, 570])
@pytest.mark.parametrize("chance", [0.7, 0.9, 0.97])
def test_the_interval_of_a_share_holds_it_as_often_as_it_says(rows: int, chance: float) -> None:
    random, samples = np.random.default_rng(0), Bootstrap(rows, 100, 0)
    covered = np.mean([holds(samples.share("x", random.random(rows) < chance), chance) for _ in range(TIMES)])
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("rows", [150, 300, 570])
@pytest.mark.parametrize("shares", [(0.6, 0.15, 0.15, 0.1), (0.85, 0.05, 0.03, 0.07), (0.9, 0.04, 0.01, 0.05)])
def test_the_interval_of_a_gain_holds_it_as_often_as_it_says(rows: int, shares: tuple[float, ...]) -> None:
    # Both are right, the first alone, the second alone, neither.
    random, samples = np.random.default_rng(1), Bootstrap(rows, 100, 0)
    covered = []
    for _ in range(TIMES):
        outcome = random.choice(4, size=rows, p=shares)
        covered.append(holds(samples.gain("x", outcome <= 1, outcome % 2 == 0), shares[1] - shares[2]))
    assert 0.93 <= np.mean(covered) <= 0.97


COLUMNS, APART = 10, 1.0


def crowd(random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes of ten numbers, of which the first tells them apart in 84 of 100."""
    labels = random.integers(2, size=rows)
    table = random.normal(size=(rows, COLUMNS))
    table[:, 0] += APART * (2 * labels - 1)
    return table, labels


def masks(labels: np.ndarray, seed: int, repeat: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training and test rows of each split, as `cross_fit_splits.splits` has them."""
    keys = made.keys([(seed, i) for i in range(len(labels))])
    places = cross_fit_splits._places(Rows({}, labels, keys), 2, repeat)
    for fold in range(cross_fit_splits.FOLDS):
        yield (places != fold) & (places != (fold + 1) % cross_fit_splits.FOLDS), places == fold


def line(table: np.ndarray, labels: np.ndarray, is_shaped: bool) -> tuple[np.ndarray, float]:
    """Weights and offset by the nearer centroid; `is_shaped`: linear discriminant analysis."""
    means = [table[labels == label].mean(axis=0) for label in (0, 1)]
    weights = means[1] - means[0]
    if is_shaped:
        rest = table - np.stack(means)[labels]
        weights = np.linalg.solve(rest.T @ rest / len(rest), weights)
    return weights, -float(weights @ (means[0] + means[1])) / 2


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "repeats"), [(150, 2), (500, 1)])
def test_the_intervals_of_cross_fitted_answers_hold_the_accuracy_of_their_models(rows: int, repeats: int) -> None:
    random, samples = np.random.default_rng(2), Bootstrap(rows, 100, 0, repeats)
    unseen, gold = crowd(random, 20_000)
    covered = {"centroids": 0, "discriminant": 0, "gain": 0}
    for seed in range(1000):
        table, labels = crowd(random, rows)
        right, truths = np.zeros((2, repeats, rows), bool), np.zeros(2)
        for repeat in range(repeats):
            for train, test in masks(labels, seed, repeat):
                for which in (0, 1):
                    weights, offset = line(table[train], labels[train], which == 1)
                    right[which, repeat, test] = (table[test] @ weights + offset > 0) == labels[test]
                    truths[which] += ((unseen @ weights + offset > 0) == gold).mean()
        truths /= repeats * cross_fit_splits.FOLDS
        first, second = right.reshape(2, -1)
        covered["centroids"] += holds(samples.share("x", first), truths[0])
        covered["discriminant"] += holds(samples.share("x", second), truths[1])
        covered["gain"] += holds(samples.gain("x", first, second), truths[0] - truths[1])
    assert all(930 <= count <= 970 for count in covered.values()), covered
