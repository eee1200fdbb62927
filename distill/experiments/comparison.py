"""A comparison on the same test rows: each contender by itself, and the students against the others, row by row."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from distill.data.rows import Rows
from distill.evaluation import contenders
from distill.evaluation.evidence import MeasuredContender, PairedDifference
from distill.evaluation.statistics import Bootstrap
from distill.pipeline import assess
from distill.pipeline.build_student import TrainedStudent
from distill.pipeline.training_inputs import TrainingInputs
from distill.recipe.schema import Serving
from handler.bundle.contract import Metric

PERTURBED = 0.1  # share of a row: of texts, of the words of four letters or more

Pair = tuple[str, str]  # a student's name and another's


@dataclass(frozen=True)
class Compared:
    """One contender, and what only a comparison of many asks of it."""

    name: str
    measured: MeasuredContender
    retention: Metric  # its accuracy by the teacher's
    ece: Metric
    perturbed_loss: Metric | None  # accuracy on the rows less accuracy on the perturbed rows

    @property
    def merits(self) -> tuple[float, float, float] | None:
        """Accuracy, bytes and microseconds, each the better the larger; None where a cost was not measured."""
        one = self.measured
        if one.kilobytes is None or one.latency_us_p50 is None:
            return None
        return one.accuracy.value, -one.kilobytes, -one.latency_us_p50


@dataclass(frozen=True)
class Comparison:
    """All contenders, and the pairs that the claims are about."""

    teacher: Compared
    students: tuple[Compared, ...]
    twins: Mapping[str, Compared]  # by the student's name
    peers: tuple[Compared, ...]
    pairs: Mapping[Pair, PairedDifference]  # each student with its twin and with every peer
    losses: Mapping[Pair, Metric]  # what typing errors cost a student less what they cost a peer
    test_rows: int

    def beaten_at_once(self) -> tuple[Pair, ...]:
        """(student, peer) where the peer is better in accuracy, bytes and microseconds at once."""
        pairs = [(ours, peer) for ours in self.students for peer in self.peers if ours.merits and peer.merits]
        return tuple(
            (ours.name, peer.name)
            for ours, peer in pairs
            if all(a > b for a, b in zip(peer.merits or (), ours.merits or (), strict=True))
        )


def of(
    teacher: contenders.Contender,
    students: Sequence[contenders.Contender],
    gold: contenders.Labels,
    bootstrap: int,
    seed: int,
    twins: Mapping[str, contenders.Contender] = MappingProxyType({}),
    peers: Sequence[contenders.Contender] = (),
    seeds: int = 1,
) -> Comparison:
    """Compare contenders on test rows with the labels `gold` [N]. `twins`: by the student's name.

    Students and twins answer under each of the `seeds`, a block of N rows a seed; what has no seed answers once.
    """
    rows = len(gold)
    samples = Bootstrap(rows, bootstrap, seed, seeds=seeds)
    gold = np.tile(gold, seeds)
    teacher, peers = _repeated(teacher, seeds), [_repeated(peer, seeds) for peer in peers]
    taught = teacher.labels == gold
    pairs = [(ours, peer) for ours in students for peer in peers]
    own = [(ours, twins[ours.name]) for ours in students if ours.name in twins]
    lost = {
        one.name: (one.labels == gold).astype(np.float64) - (one.perturbed.argmax(axis=1) == gold)
        for one in (teacher, *students, *peers)
        if one.perturbed is not None
    }

    def compared(one: contenders.Contender) -> Compared:
        return Compared(
            name=one.name,
            measured=contenders.measured(one, gold, samples),
            retention=samples.ratio("retention", one.labels == gold, taught),
            ece=contenders.calibration(one.probabilities, gold, samples)[0],
            perturbed_loss=samples.mean("perturbed_loss", lost[one.name]) if one.name in lost else None,
        )

    return Comparison(
        teacher=compared(teacher),
        students=tuple(map(compared, students)),
        twins={name: compared(one) for name, one in twins.items()},
        peers=tuple(map(compared, peers)),
        pairs={(a.name, b.name): contenders.paired(a, b, gold, samples) for a, b in (*own, *pairs)},
        losses={
            (ours.name, peer.name): samples.mean("difference of losses", lost[ours.name] - lost[peer.name])
            for ours, peer in pairs
            if ours.name in lost and peer.name in lost
        },
        test_rows=rows,
    )


def perturbed(inputs: TrainingInputs) -> Rows | None:
    """The test rows as a careless person would send them; None of a kind of input that has no such errors."""
    perturb = inputs.modality.perturb
    return perturb(inputs.rows.test, PERTURBED, inputs.seed) if perturb else None


def students(
    inputs: TrainingInputs,
    trained: Mapping[str, Sequence[TrainedStudent]],
    serving: Serving,
    rows: Rows | None = None,
) -> list[contenders.Contender]:
    """Trained students by name, one a seed, as they ship; the first is timed, one name after the other.

    `rows`: `perturbed`.
    """
    with tempfile.TemporaryDirectory() as folder:
        test = inputs.rows.test

        def answered(name: str, one: TrainedStudent, is_timed: bool) -> contenders.Contender:
            staged = assess.stage(inputs, one, serving, folder)
            return assess.student(name, one, staged, test, rows, is_timed)

        return [
            joined([answered(name, one, not i) for i, one in enumerate(of_name)]) for name, of_name in trained.items()
        ]


def joined(seeds: Sequence[contenders.Contender]) -> contenders.Contender:
    """One contender whose answers under each seed stand one after the other; what else is known is of the first."""
    perturbed = [one.perturbed for one in seeds if one.perturbed is not None]
    return replace(
        seeds[0],
        probabilities=np.concatenate([one.probabilities for one in seeds]),
        perturbed=np.concatenate(perturbed) if perturbed else None,
    )


def _repeated(one: contenders.Contender, times: int) -> contenders.Contender:
    return joined([one] * times)
