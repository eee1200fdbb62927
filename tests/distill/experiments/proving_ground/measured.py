"""Measurements, made up by the tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distill.experiments.proving_ground.measure import BASELINE, STUDENT, TEACHER, Measured, Scores
from distill.experiments.proving_ground.sets.proving_set import TEXTS

TWIN = "hard-label twin"


def scores(
    name: str,
    log_likelihood: Sequence[float],
    right: Sequence[int] | None = None,
    role: str | None = None,
    kilobytes: float = 100.0,
    microseconds: float = 50.0,
) -> Scores:
    likelihood = np.array(log_likelihood)
    return Scores(
        name=name,
        role=role or name,
        description="made",
        right=tuple(right if right is not None else (likelihood > -0.7).astype(int).tolist()),
        log_likelihood=tuple(likelihood.tolist()),
        confidence=tuple(np.exp(likelihood).tolist()),
        kilobytes=kilobytes,
        microseconds=microseconds,
    )


def measured(
    name: str = "made",
    chapter: str = TEXTS,
    seed: int = 0,
    rows: int = 200,
    student: float = 0.0,
    twin: float = 0.0,
    baseline: float = 0.0,
    teacher: float = 0.0,
    peers: Sequence[Scores] = (),
) -> Measured:
    """Each contender's log-likelihood is a set's own, the same rows for all, and what is given on top of it."""
    random = np.random.default_rng(len(name) + seed)
    common = -0.5 - random.random(rows)

    def one(contender: str, gain: float) -> Scores:
        return scores(contender, common + gain + 0.02 * random.normal(size=rows))

    four = (one(TEACHER, teacher), one(STUDENT, student), one(TWIN, twin), one(BASELINE, baseline))
    return Measured(name, chapter, seed, 3, (*four, *peers))
