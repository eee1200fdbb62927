"""What the measurements say: each set's scores and paired differences, and the claims over all sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from distill.evaluation import statistics
from distill.evaluation.evidence import TWIN
from distill.experiments.proving_ground import significance
from distill.experiments.proving_ground.measure import BASELINE, STUDENT, TEACHER, Measured, Scores
from distill.experiments.proving_ground.run import Failure, Results
from distill.experiments.proving_ground.sets.proving_set import TABLES, TEXTS
from distill.experiments.proving_ground.significance import Difference, Values
from handler.bundle.contract import Metric

OTHERS = (TWIN, BASELINE, TEACHER)
NO_LOSS_TO = (TWIN, BASELINE)  # the comparisons that are claims: a student may well be below its teacher
CALIBRATED_ROWS = 1000  # of test, from which on a calibration error says something
NEAR_TEACHER = 0.01  # nats a row
_DRAWS = 100  # of what chance alone makes of a calibration error
# What is compared, a value a row: name -> from a contender's scores.
MEASURES: Mapping[str, Callable[[Scores], tuple[float, ...]]] = {
    "log-likelihood": lambda scores: scores.log_likelihood,
    "accuracy": lambda scores: tuple(map(float, scores.right)),
}
LIKELIHOOD, ACCURACY = MEASURES


@dataclass(frozen=True)
class Spread:
    """A mean over seeds, and their standard deviation (0 of one seed)."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Judged:
    """One contender on one set."""

    role: str
    description: str
    scores: Mapping[str, Spread]  # by measure
    kilobytes: float | None
    microseconds: float | None


@dataclass(frozen=True)
class SetVerdict:
    """One set over its seeds."""

    name: str
    chapter: str
    rows: int  # of test
    classes: int
    seeds: int
    contenders: Mapping[str, Judged]
    differences: Mapping[tuple[str, str], Difference]  # (measure, other): student less other
    calibration_error: float | None  # of the student; None under CALIBRATED_ROWS
    calibration_error_of_chance: float | None  # what it would be on the mean if every confidence were true
    beaten_by: tuple[tuple[str, str], ...]  # (peer, measure): better in that, in bytes and in microseconds at once

    @property
    def near_teacher(self) -> bool:
        """Whether the student's mean log-likelihood is within NEAR_TEACHER of the teacher's, or above it."""
        return self.differences[LIKELIHOOD, TEACHER].value >= -NEAR_TEACHER


Comparison = tuple[str, str, str]  # set, measure, other


@dataclass(frozen=True)
class Verdict:
    """All sets, and the claims over them."""

    sets: tuple[SetVerdict, ...]
    failures: tuple[Failure, ...]
    adjusted: Mapping[Comparison, float]  # p of "student worse" after Holm's correction over all of these
    gains: Mapping[tuple[str, str], Metric]  # (chapter, other): mean over sets of the likelihood's difference

    @property
    def losses(self) -> tuple[Comparison, ...]:
        """Where the student is worse than its twin or the baseline beyond chance."""
        return tuple(names for names, p in self.adjusted.items() if significance.is_clear(p))


def of(found: Results) -> Verdict:
    """Judge what was measured. A set that failed under some of the seeds is judged by the others."""
    by_name = sorted(found.measured, key=lambda one: (one.chapter != TEXTS, one.name, one.seed))
    sets = tuple(_of_set(list(group)) for _, group in groupby(by_name, key=lambda one: (one.chapter, one.name)))
    raw = {
        (one.name, measure, other): one.differences[measure, other].p_worse
        for one in sets
        for measure in MEASURES
        for other in NO_LOSS_TO
    }
    adjusted = dict(zip(raw, significance.holm(list(raw.values())), strict=True))
    gains = {
        (chapter, other): _gain(other, [one for one in sets if one.chapter == chapter])
        for chapter in (TEXTS, TABLES)
        for other in OTHERS
        if any(one.chapter == chapter for one in sets)
    }
    return Verdict(sets, found.failures, adjusted, gains)


def _gain(other: str, sets: Sequence[SetVerdict]) -> Metric:
    ours, theirs = ([one.contenders[name].scores[LIKELIHOOD].mean for one in sets] for name in (STUDENT, other))
    return significance.over_sets(f"student - {other}", ours, theirs)


def _of_set(seeds: Sequence[Measured]) -> SetVerdict:
    first = seeds[0]
    names = dict.fromkeys(scores.name for one in seeds for scores in one.contenders)
    contenders = {name: _judged(name, seeds) for name in names}
    values = {(measure, name): _values(measure, name, seeds) for measure in MEASURES for name in (STUDENT, *OTHERS)}
    return SetVerdict(
        name=first.name,
        chapter=first.chapter,
        rows=first.rows,
        classes=first.classes,
        seeds=len(seeds),
        contenders=contenders,
        differences={
            (measure, other): significance.paired(values[measure, STUDENT], values[measure, other])
            for measure in MEASURES
            for other in OTHERS
        },
        calibration_error=_calibration_error(seeds) if first.rows >= CALIBRATED_ROWS else None,
        calibration_error_of_chance=_calibration_error_of_chance(seeds) if first.rows >= CALIBRATED_ROWS else None,
        beaten_by=tuple(
            (name, measure)
            for name, one in contenders.items()
            for measure in MEASURES
            if one.role == "peer" and _beats(one, contenders[STUDENT], measure)
        ),
    )


def _judged(name: str, seeds: Sequence[Measured]) -> Judged:
    """One contender under the seeds that it was asked under."""
    seeds = [one for one in seeds if any(scores.name == name for scores in one.contenders)]
    found = [_scores(name, one) for one in seeds]
    spreads = {}
    for measure in MEASURES:
        means = _values(measure, name, seeds).mean(axis=1)
        spreads[measure] = Spread(float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else 0.0)
    return Judged(
        role=found[0].role,
        description=found[0].description,
        scores=spreads,
        kilobytes=_mean([one.kilobytes for one in found]),
        microseconds=_mean([one.microseconds for one in found]),
    )


def _beats(peer: Judged, student: Judged, measure: str) -> bool:
    """Whether a peer is better in a score, in bytes and in microseconds at once."""
    if None in (peer.kilobytes, peer.microseconds, student.kilobytes, student.microseconds):
        return False
    smaller = (peer.kilobytes or 0.0) < (student.kilobytes or 0.0)
    faster = (peer.microseconds or 0.0) < (student.microseconds or 0.0)
    return smaller and faster and peer.scores[measure].mean > student.scores[measure].mean


def _calibration_error(seeds: Sequence[Measured]) -> float:
    found = [_scores(STUDENT, one) for one in seeds]
    errors = [statistics.calibration_error(np.array(it.confidence), np.array(it.right, np.float64)) for it in found]
    return float(np.mean(errors))


def _calibration_error_of_chance(seeds: Sequence[Measured]) -> float:
    """ECE of the same confidences if each were right as often as it says: bins of few rows are never level."""
    random = np.random.default_rng(0)
    errors = []
    for one in seeds:
        confidence = np.array(_scores(STUDENT, one).confidence)
        drawn = random.random((_DRAWS, len(confidence))) < confidence
        errors += [statistics.calibration_error(confidence, right.astype(np.float64)) for right in drawn]
    return float(np.mean(errors))


def _values(measure: str, name: str, seeds: Sequence[Measured]) -> Values:
    """A contender's values a row, [seeds, N]."""
    return np.array([MEASURES[measure](_scores(name, one)) for one in seeds], np.float64)


def _scores(name: str, one: Measured) -> Scores:
    return next(scores for scores in one.contenders if scores.name == name)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
