"""Tests and intervals over rows, over comparisons and over sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from distill.evaluation.statistics import Bootstrap
from handler.bundle.contract import Metric

_RESAMPLES = 10_000
_CHANCE = 0.05
Values = np.typing.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A mean paired difference over rows, the first less the second."""

    value: float
    error: float  # standard error over rows
    p_worse: float  # one-sided: of a difference so low or lower where there is none

    @property
    def interval(self) -> tuple[float, float]:
        """Of 95%, by the normal distribution."""
        return self.value - 1.96 * self.error, self.value + 1.96 * self.error


def paired(ours: Values, theirs: Values) -> Difference:
    """Two contenders on the same rows, [seeds, N] each: seeds are averaged within a row first; then a one-sided t test.

    Rows are what the error is over: it tells how another sample of rows of the same set would differ.
    """
    rows = (ours - theirs).mean(axis=0)
    value = float(rows.mean())
    error = float(rows.std(ddof=1) / np.sqrt(len(rows))) if len(rows) > 1 else 0.0
    if error == 0:
        return Difference(value, 0.0, 0.0 if value < 0 else 1.0)
    return Difference(value, error, float(student_t.cdf(value / error, len(rows) - 1)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the given order (Holm 1979, "A simple sequentially rejective multiple test procedure")."""
    order = np.argsort(p_values, kind="stable")
    scaled = [(len(p_values) - rank) * p_values[place] for rank, place in enumerate(order)]
    adjusted = np.zeros(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.array(scaled, np.float64)), 1.0)
    return [float(p) for p in adjusted]


def is_clear(adjusted: float) -> bool:
    """Whether an adjusted p value is below what chance is allowed."""
    return adjusted < _CHANCE


def over_sets(name: str, ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> Metric:
    """The mean over sets of a difference, and its 95% interval by resampling sets: both values of a set go together."""
    differences = np.array(ours, np.float64) - np.array(theirs, np.float64)
    return Bootstrap(len(differences), _RESAMPLES, seed).mean(name, differences)
