"""Whoever is compared on the same test rows: how each is timed and measured, and two of them row by row."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from distill.evaluation import statistics
from distill.evaluation.evidence import MeasuredContender, PairedDifference
from distill.progress import track
from handler.bundle.contract import Metric

_WARM_UP_CALLS = 5
_SMALLEST = 1e-12

Floats = np.typing.NDArray[np.floating]
Labels = np.typing.NDArray[np.int64]  # the place of a class, a row [N]


@dataclass(frozen=True, eq=False)
class Contender:
    """One classifier and its answers. Probabilities are [N,K]; [R*N,K] of rows that were answered R times."""

    name: str
    role: str  # "teacher", "student", "hard-label twin", "baseline" or "peer"
    description: str
    probabilities: Floats  # of the test rows
    perturbed: Floats | None = None  # of the same rows with typing errors in them
    kilobytes: float | None = None  # of what one must ship, in units of 1000 bytes
    timings: np.typing.NDArray[np.float64] | None = (
        None  # microseconds a call of one row, one thread, from the raw input
    )

    @property
    def labels(self) -> Labels:
        """The most probable class of each test row [N]."""
        return np.asarray(self.probabilities.argmax(axis=1))

    def losses(self, gold: Labels) -> np.typing.NDArray[np.float64]:
        """The negative log-likelihood of each row's label [N], in nats."""
        found: np.typing.NDArray[np.float64] = -np.log(np.maximum(_of(self.probabilities, gold), _SMALLEST))
        return found


def timed(call: Callable[[int], object], rows: int, name: str) -> np.typing.NDArray[np.float64]:
    """Microseconds that each of `rows` calls took, [rows], after a few that do not count.

    One thread for torch, BLAS and OpenMP alike, as the student has.
    """
    places = [*range(min(rows, _WARM_UP_CALLS)), *range(rows)]
    durations = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            for place in track(places, f"timing {name}"):
                began = time.perf_counter_ns()
                call(place)
                durations.append((time.perf_counter_ns() - began) / 1000)
    finally:
        torch.set_num_threads(threads)
    return np.array(durations[-rows:])


def measured(one: Contender, gold: Labels, samples: statistics.Bootstrap) -> MeasuredContender:
    """Accuracy, macro-F1, size and latency of one contender on rows with the labels `gold`."""
    predicted, classes = one.labels, one.probabilities.shape[1]
    p50 = p99 = None
    if one.timings is not None:
        p50, p99 = (statistics.quantile("", one.timings, level).value for level in (0.5, 0.99))
    log_loss = samples.mean("log_loss", one.losses(gold))
    return MeasuredContender(
        role=one.role,
        description=one.description,
        accuracy=samples.share("accuracy", predicted == gold),
        macro_f1=samples.metric(
            "macro_f1", lambda rows: statistics.macro_f1(gold[rows], predicted[rows], classes), (0.0, 1.0)
        ),
        log_loss=log_loss,
        kilobytes=one.kilobytes,
        latency_us_p50=p50,
        latency_us_p99=p99,
    )


def paired(student: Contender, other: Contender, gold: Labels, samples: statistics.Bootstrap) -> PairedDifference:
    """The student against another, row by row."""
    ours, theirs = student.labels == gold, other.labels == gold
    # Of rows that were judged several times, the first answers: the exact test is about independent rows.
    first, second = ours[: samples.rows], theirs[: samples.rows]
    wins, losses = int((first & ~second).sum()), int((second & ~first).sum())
    return PairedDifference(
        other=other.name,
        difference=samples.gain("difference", ours, theirs),
        log_loss_difference=samples.mean("log_loss_difference", student.losses(gold) - other.losses(gold)),
        student_only_right=wins,
        other_only_right=losses,
        mcnemar_p=statistics.mcnemar(wins, losses),
    )


def calibration(
    probabilities: Floats, gold: Labels, samples: statistics.Bootstrap, suffix: str = ""
) -> tuple[Metric, Metric]:
    """Expected calibration error and mean negative log-likelihood of probabilities [N,K], with intervals."""
    probabilities = probabilities.astype(np.float64)
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == gold).astype(np.float64)
    losses = -np.log(np.maximum(_of(probabilities, gold), _SMALLEST))
    return samples.calibration_error(f"ece{suffix}", confidence, right), samples.mean(f"nll{suffix}", losses)


def _of(probabilities: Floats, gold: Labels) -> Floats:
    """The probability of each row's own label, [N]."""
    found: Floats = probabilities[np.arange(len(gold)), gold].astype(np.float64)
    return found
