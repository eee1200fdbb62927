"""How the entrants of a comparison stand: each by itself, and the students against each other entrant, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distill.evaluation import evaluate, statistics
from distill.evaluation.statistics import Bootstrap
from distill.experiments.contenders import Entrant
from handler.bundle.contract import Metric


@dataclass(frozen=True)
class Standing:
    """One entrant on the test rows."""

    name: str
    role: str
    description: str
    accuracy: Metric
    macro_f1: Metric
    retention: Metric  # its accuracy by the teacher's
    ece: Metric
    kilobytes: float | None
    latency_us_p50: float | None
    latency_us_p99: float | None
    misspelt_loss: Metric | None  # accuracy on the rows less accuracy on the misspelt rows


@dataclass(frozen=True)
class Pairing:
    """A student against another, on the same rows."""

    student: str
    other: str
    difference: Metric  # the student's accuracy less the other's
    mcnemar_p: float

    @property
    def verdict(self) -> str:
        """In a word; "level" where a difference so large may be chance."""
        if self.mcnemar_p >= 0.05:
            return "level"
        return "better" if self.difference.value > 0 else "worse"


@dataclass(frozen=True)
class Standings:
    """All entrants, in the order in which they came, and the pairs that the claims are about."""

    standings: tuple[Standing, ...]
    of_twins: tuple[Pairing, ...]  # each student and its hard-label twin
    of_peers: tuple[Pairing, ...]  # each student and every peer
    misspelt: tuple[Pairing, ...]  # differences of what slips cost: below 0, the student loses less
    test_rows: int

    def beaten_at_once(self) -> tuple[tuple[str, str], ...]:
        """(student, peer) where the peer is better in accuracy, bytes and microseconds at once."""
        students = [one for one in self.standings if one.role == "student"]
        peers = [one for one in self.standings if one.role == "peer"]
        return tuple((ours.name, peer.name) for ours in students for peer in peers if _dominates(peer, ours))


def of(entrants: Sequence[Entrant], gold: npt.NDArray[np.int64], bootstrap: int, seed: int) -> Standings:
    """Judge entrants, the teacher first, on test rows with the labels `gold` [N]."""
    samples = Bootstrap(len(gold), bootstrap, seed)
    right = {one.name: one.test.argmax(axis=1) == gold for one in entrants}
    students = [one for one in entrants if one.role == "student"]
    peers = [one for one in entrants if one.role == "peer"]
    twins = {str(one.of): one for one in entrants if one.role == "twin"}

    def pair(ours: Entrant, other: Entrant) -> Pairing:
        a, b = right[ours.name], right[other.name]
        difference = samples.mean("difference", a.astype(np.float64) - b)
        return Pairing(ours.name, other.name, difference, statistics.mcnemar(int((a & ~b).sum()), int((b & ~a).sum())))

    def losses(ours: Entrant, other: Entrant) -> Pairing | None:
        if ours.misspelt is None or other.misspelt is None:
            return None
        lost = [right[one.name].astype(np.float64) - (_labels(one.misspelt) == gold) for one in (ours, other)]
        difference = samples.mean("difference of losses", lost[0] - lost[1])
        apart = difference.low > 0 or difference.high < 0
        return Pairing(ours.name, other.name, difference, 0.0 if apart else 1.0)  # the interval decides

    slips = [losses(ours, peer) for ours in students for peer in peers]
    return Standings(
        standings=tuple(_standing(one, entrants[0], right, gold, samples) for one in entrants),
        of_twins=tuple(pair(ours, twins[ours.name]) for ours in students if ours.name in twins),
        of_peers=tuple(pair(ours, peer) for ours in students for peer in peers),
        misspelt=tuple(one for one in slips if one is not None),
        test_rows=len(gold),
    )


def _standing(
    one: Entrant,
    teacher: Entrant,
    right: dict[str, npt.NDArray[np.bool_]],
    gold: npt.NDArray[np.int64],
    samples: Bootstrap,
) -> Standing:
    classes = one.test.shape[1]
    own = right[one.name]
    error, _ = evaluate.calibration(samples, "", one.test.astype(np.float64), gold)
    p50 = p99 = None
    if one.timings is not None:
        p50, p99 = (statistics.quantile("", one.timings, level).value for level in (0.5, 0.99))
    return Standing(
        name=one.name,
        role=one.role,
        description=one.description,
        accuracy=samples.mean("accuracy", own),
        macro_f1=evaluate.macro_f1(samples, gold, one.test.argmax(axis=1), classes),
        retention=samples.ratio("retention", own, right[teacher.name]),
        ece=error,
        kilobytes=one.kilobytes,
        latency_us_p50=p50,
        latency_us_p99=p99,
        misspelt_loss=None
        if one.misspelt is None
        else samples.mean("misspelt_loss", own.astype(np.float64) - (_labels(one.misspelt) == gold)),
    )


def _labels(probabilities: npt.NDArray[np.floating] | None) -> npt.NDArray[np.int64]:
    assert probabilities is not None  # noqa: S101 - the caller has looked
    return probabilities.argmax(axis=1)


def _dominates(peer: Standing, ours: Standing) -> bool:
    """Whether the peer is better in all three: one that does not say a cost is not."""
    if None in (peer.kilobytes, ours.kilobytes, peer.latency_us_p50, ours.latency_us_p50):
        return False
    return (
        peer.accuracy.value > ours.accuracy.value
        and float(peer.kilobytes or 0) < float(ours.kilobytes or 0)
        and float(peer.latency_us_p50 or 0) < float(ours.latency_us_p50 or 0)
    )
