"""Intervals and tests: paired bootstrap, Wilson, McNemar, order statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from scipy.stats import binom, binomtest, norm

from handler.bundle.contract import Metric

BINS = 15  # of confidence, equally wide
_DIGITS = 6
_CONSISTENT_DRAWS = 500
Floats = np.typing.NDArray[np.float64]
_Z = float(norm.ppf(0.975))


class Bootstrap:
    """The same resamples of N test rows for every metric, so that differences are paired.

    Rows that were judged R times, by other models each time, stand as R blocks of N: a row is drawn with all its
    answers, as they are no R independent rows. Where the blocks are `seeds`, they are drawn too, so that an interval
    holds how far one seed is from another.
    """

    def __init__(self, rows: int, times: int, seed: int, repeats: int = 1, seeds: int = 1) -> None:
        """`times` resamples of `rows` rows with replacement, each judged `repeats` times, or under so many `seeds`."""
        self.rows = rows
        self.blocks = max(repeats, seeds)
        self._seeds = seeds
        self._times = times
        self._seed = seed
        self._starts = np.arange(self.blocks, dtype=np.int64)[:, None] * rows

    def resamples(self) -> Iterator[np.typing.NDArray[np.int64]]:
        """Indices of answers, [R*N] each; the same at every call."""
        random = np.random.default_rng(self._seed)
        for _ in range(self._times):
            starts = self._starts[random.integers(self._seeds, size=self._seeds)] if self._seeds > 1 else self._starts
            yield (starts + random.integers(self.rows, size=self.rows)).ravel()

    def metric(
        self,
        name: str,
        statistic: Callable[[np.typing.NDArray[np.int64]], float],
        within: tuple[float, float] = (-math.inf, math.inf),
    ) -> Metric:
        """`statistic` of all rows, with a 95% interval from the resamples that give a finite value.

        A statistic that is no mean has a bias under resampling: the macro-F1 of many classes falls, as many a resample
        lacks a class of few rows; a sum of absolute gaps rises. So the plain percentiles can all lie on one side of the
        value. They are moved by the bias, so that they lie about the value (Efron and Tibshirani, 1993, chapter 10).
        The value itself has much of that bias where rows were drawn at random and less where they were drawn class by
        class; the interval also holds the percentiles about the value less the bias. Of 2,000 rows of 500 classes
        (accuracy 0.9) the percentiles held the true macro-F1 in 2% and 41% of simulations, these do in 93% and 99%.

        `within`: what values the statistic can have.
        """
        value = statistic((self._starts + np.arange(self.rows)).ravel())
        values = self._finite(statistic)
        low, high = np.percentile(values, [2.5, 97.5]).tolist() if len(values) else (value, value)
        bias = float(values.mean()) - value if len(values) else 0.0
        low, high = low - bias - max(bias, 0.0), high - bias - min(bias, 0.0)
        return rounded(name, value, max(low, within[0]), min(high, within[1]), self.rows)

    def calibration_error(
        self, name: str, confidence: Floats, right: np.typing.NDArray[np.float64], bins: int = BINS
    ) -> Metric:
        """Expected calibration error of answers [R*N].

        It is never below 0, and chance alone lifts it, of few rows by more than resampling tells. Where confidences
        that are met exactly would often err as much, the interval begins at 0 (consistency resampling: Broecker and
        Smith, 2007, "Increasing the reliability of reliability diagrams").
        """
        found = self.metric(name, lambda rows: calibration_error(confidence[rows], right[rows], bins), (0.0, 1.0))
        random = np.random.default_rng(self._seed)
        lots = (np.tile(random.random(self.rows), self.blocks) for _ in range(_CONSISTENT_DRAWS))
        chance = [calibration_error(confidence, (lot < confidence).astype(np.float64), bins) for lot in lots]
        return replace(found, low=0.0) if found.value <= np.percentile(chance, 97.5) else found

    def mean(self, name: str, values: np.typing.NDArray[np.generic]) -> Metric:
        """The mean of a value a row, with the percentile interval: a mean has no bias under resampling."""
        floats = values.astype(np.float64)
        means = [float(floats[rows].mean()) for rows in self.resamples()]
        low, high = np.percentile(means, [2.5, 97.5]).tolist()
        return rounded(name, float(floats.mean()), low, high, self.rows)

    def share(self, name: str, right: np.typing.NDArray[np.generic]) -> Metric:
        """The mean of a truth value an answer [R*N], with Wilson's interval.

        A row that was judged in R repeats counts once, with the mean of its answers, and the interval is no narrower
        for it: models of overlapping training rows err alike. Narrowed as if there were more rows, the interval of 150
        rows that were judged twice held the truth in 93.3% of 6,000 simulations, and as it is in 94.6%. Of R seeds,
        whose spread counts as well, it is that of as many rows as would vary as much (as Kish, 1965, does it).
        """
        answers = right.astype(np.float64).reshape(-1, self.rows)
        value, rows = float(answers.mean()), float(self.rows)
        if self._seeds > 1:
            spread = float(answers.mean(axis=0).var()) + self.rows * self._between(answers)
            rows = self.rows * value * (1 - value) / spread if spread else rows
        low, high = _wilson(value, rows)
        return rounded(name, value, low, high, self.rows)

    def gain(self, name: str, first: np.typing.NDArray[np.generic], second: np.typing.NDArray[np.generic]) -> Metric:
        """The difference of two shares of the same answers [R*N], with Agresti and Min's interval (2005).

        It adds half a row to each of the four outcomes of a pair: of two that never differ on N rows it is not certain
        that they never will.
        """
        answers = (first.astype(np.float64) - second.astype(np.float64)).reshape(-1, self.rows)
        differences = answers.mean(axis=0)
        value, rows = float(differences.mean()), self.rows + 2
        centre = float(differences.sum()) / rows
        spread = (float((differences**2).sum()) + 1) / rows - centre**2
        width = _Z * math.sqrt(max(spread, 0.0) / rows + self._between(answers))
        return rounded(name, value, max(-1.0, centre - width), min(1.0, centre + width), self.rows)

    def _between(self, answers: Floats) -> float:
        """The variance of the mean over seeds, of answers [R,N]; 0 where the blocks are no seeds."""
        return float(answers.mean(axis=1).var(ddof=1)) / self._seeds if self._seeds > 1 else 0.0

    def ratio(self, name: str, above: np.typing.NDArray[np.generic], below: np.typing.NDArray[np.generic]) -> Metric:
        """The ratio of two means over the same rows, with the percentile interval.

        Resamples of few rows with a small second mean are so large that a bias taken from them would be noise.
        """
        first, second = above.astype(np.float64), below.astype(np.float64)

        def statistic(rows: np.typing.NDArray[np.int64]) -> float:
            mean = float(second[rows].mean())
            return float(first[rows].mean()) / mean if mean else float("nan")

        value = statistic((self._starts + np.arange(self.rows)).ravel())
        values = self._finite(statistic)
        low, high = np.percentile(values, [2.5, 97.5]).tolist() if len(values) else (value, value)
        return rounded(name, value, low, high, self.rows)

    def _finite(self, statistic: Callable[[np.typing.NDArray[np.int64]], float]) -> Floats:
        """What it is of each resample, where that is a number."""
        values: Floats = np.array([statistic(rows) for rows in self.resamples()], dtype=np.float64)
        return values[np.isfinite(values)]


def rounded(name: str, value: float, low: float, high: float, n: int) -> Metric:
    """A Metric without digits that differ from machine to machine. A value that is not finite is an error upstream.

    The interval holds its value: where resamples are so skewed that their percentiles miss their own mean, it is the
    nearer end.
    """
    return Metric(name, round(value, _DIGITS), round(min(low, value), _DIGITS), round(max(high, value), _DIGITS), n)


def wilson(name: str, right: int, rows: int) -> Metric:
    """A share with Wilson's 95% interval (Wilson, 1927); no rows give 0 in 0..1."""
    if rows == 0:
        return Metric(name, 0.0, 0.0, 1.0, 0)
    return rounded(name, right / rows, *_wilson(right / rows, rows), rows)


def clopper_pearson(name: str, counted: int, rows: int) -> Metric:
    """A share with the exact 95% interval (Clopper and Pearson, 1934); no rows give 0 in 0..1."""
    if rows == 0:
        return Metric(name, 0.0, 0.0, 1.0, 0)
    found = binomtest(counted, rows).proportion_ci(0.95, "exact")
    return rounded(name, counted / rows, float(found.low), float(found.high), rows)


def _wilson(share: float, rows: float) -> tuple[float, float]:
    z = _Z
    centre, width = share + z**2 / (2 * rows), z * math.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    low, high = (centre - width) / (1 + z**2 / rows), (centre + width) / (1 + z**2 / rows)
    return max(0.0, low), min(1.0, high)


def mcnemar(first_only: int, second_only: int) -> float:
    """Exact two-sided p that two classifiers err alike (McNemar, 1947), from the rows that only one got right."""
    both = first_only + second_only
    return 1.0 if both == 0 else float(f"{binomtest(first_only, both, 0.5).pvalue:.6g}")


def quantile(name: str, values: np.typing.NDArray[np.float64], level: float) -> Metric:
    """A quantile with the distribution-free 95% interval of order statistics."""
    ordered = np.sort(values)
    rows = len(ordered)
    places = np.array([int(level * rows), *binom.ppf([0.025, 0.975], rows, level)])
    value, low, high = ordered[np.clip(places, 0, rows - 1).astype(np.int64)].tolist()
    return rounded(name, value, low, high, rows)


def macro_f1(gold: np.typing.NDArray[np.int64], predicted: np.typing.NDArray[np.int64], classes: int) -> float:
    """Mean F1 over the classes that occur in either [N]."""
    right = np.bincount(gold[gold == predicted], minlength=classes)
    total = np.bincount(gold, minlength=classes) + np.bincount(predicted, minlength=classes)
    return float((2 * right[total > 0] / total[total > 0]).mean())


def bin_of(confidence: np.typing.NDArray[np.floating], bins: int = BINS) -> np.typing.NDArray[np.int64]:
    """The bin 0..bins-1 that each confidence [N] falls into."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def calibration_error(
    confidence: np.typing.NDArray[np.float64], right: np.typing.NDArray[np.float64], bins: int = BINS
) -> float:
    """Expected calibration error over equal-width bins (Naeini et al., 2015)."""
    gaps = np.bincount(bin_of(confidence, bins), weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))
