"""The evidence: everything measured on the test rows, once, through the predictor that ships."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import log_softmax, softmax
from threadpoolctl import threadpool_limits

from distill.data.rows import Dataset, Rows
from distill.evaluation import statistics
from distill.evaluation.evidence import Bin, ClassRow, Comparison, Contender, Evidence, GroupRow, RiskPoint
from distill.evaluation.novelty_auroc import Novelty
from distill.evaluation.statistics import Bootstrap
from distill.progress import track
from distill.runtime import batched
from handler.bundle.contract import Metric
from handler.model.predictor import Predictor

_TIMED_ROWS = 1000
_CONSISTENCY_ROWS = 256
_BATCH_ROWS = 16
_BINS = 15
_RISK_POINTS = 100

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Rival:
    """A contender beside the student: its answers on the test rows [N,K], and one call of it, if it can be timed."""

    role: str
    description: str
    probabilities: Floats
    call_one: Callable[[Rows, int], None] | None = None
    timed_rows: int = 0
    kilobytes: float | None = None


@dataclass(frozen=True)
class Candidate:
    """The student under judgement: the predictor on its staged bundle, and the torch answers it must equal."""

    predictor: Predictor
    description: str
    kilobytes: float
    temperature: float
    torch_logits: Floats  # [N,K], before quantisation
    float_logits: Floats  # [N,K], the exported graph before quantisation


def run(
    candidate: Candidate, rivals: Sequence[Rival], novelty: Novelty, dataset: Dataset, bootstrap: int, seed: int
) -> Evidence:
    """Judge the student beside its rivals (the teacher first) on the same test rows."""
    test, classes = dataset.test, len(dataset.labels)
    probabilities = _in_chunks(candidate.predictor, test)
    samples = Bootstrap(len(test), bootstrap, seed)
    gold = test.labels
    predicted = probabilities.argmax(axis=1)
    right = predicted == gold
    answers = {rival.role: rival.probabilities.argmax(axis=1) for rival in rivals}
    timings = _timings(candidate.predictor, test)
    contenders = [_contender(rival, answers[rival.role], test, classes, samples) for rival in rivals]
    student = Contender(
        role="student",
        description=candidate.description,
        accuracy=samples.mean("accuracy", right),
        macro_f1=macro_f1(samples, gold, predicted, classes),
        kilobytes=round(candidate.kilobytes, 1),
        latency_us_p50=statistics.quantile("p50", timings, 0.5).value,
        latency_us_p99=statistics.quantile("p99", timings, 0.99).value,
    )
    teacher = contenders[0]
    before = softmax(np.log(np.maximum(probabilities, 1e-30)).astype(np.float64) * candidate.temperature, axis=1)
    metrics = [
        student.accuracy,
        student.macro_f1,
        samples.ratio("retention", right, answers["teacher"] == gold),
        samples.mean("fidelity", predicted == answers["teacher"]),
        *calibration(samples, "", probabilities.astype(np.float64), gold),
        *calibration(samples, "_before", before, gold),
        *_novelty(novelty),
        *_parity(candidate, probabilities),
        *_consistency(candidate.predictor, test),
        Metric("kilobytes", round(candidate.kilobytes, 1), candidate.kilobytes, candidate.kilobytes, 0),
        statistics.quantile("latency_us_p50", timings, 0.5),
        statistics.quantile("latency_us_p99", timings, 0.99),
    ]
    if teacher.latency_us_p50:
        ratio = round(teacher.latency_us_p50 / float(np.median(timings)), 1)
        metrics.append(Metric("speedup_over_teacher", ratio, ratio, ratio, 0))
    return Evidence(
        test_rows=len(test),
        contenders=(teacher, student, *contenders[1:]),
        comparisons=tuple(_compare(samples, rival.role, right, answers[rival.role] == gold) for rival in rivals),
        metrics=tuple(metrics),
        per_class=_per_class(gold, predicted, dataset.labels),
        per_group=_per_group(test, right, answers["teacher"] == gold),
        confusion=tuple(
            tuple(int(((gold == i) & (predicted == j)).sum()) for j in range(classes)) for i in range(classes)
        ),
        reliability=_reliability(probabilities.max(axis=1), right),
        reliability_before=_reliability(before.max(axis=1), right),
        risk_coverage=_risk_coverage(probabilities.max(axis=1), right),
        novelty_contrast=novelty.contrast,
    )


def _in_chunks(predictor: Predictor, rows: Rows) -> Floats:
    return batched.run(predictor.run, {column.name: rows.columns[column.name] for column in predictor.serving.inputs})[
        0
    ]


def _contender(
    rival: Rival, predicted: npt.NDArray[np.int64], test: Rows, classes: int, samples: Bootstrap
) -> Contender:
    p50 = p99 = None
    if rival.call_one is not None and rival.timed_rows:
        call = rival.call_one
        with single_thread():
            durations = timed(
                lambda place: call(test, place), min(rival.timed_rows, len(test)), f"timing the {rival.role}"
            )
        p50, p99 = (statistics.quantile("", durations, level).value for level in (0.5, 0.99))
    return Contender(
        role=rival.role,
        description=rival.description,
        accuracy=samples.mean("accuracy", predicted == test.labels),
        macro_f1=macro_f1(samples, test.labels, predicted, classes),
        kilobytes=None if rival.kilobytes is None else round(rival.kilobytes, 1),
        latency_us_p50=p50,
        latency_us_p99=p99,
    )


def macro_f1(samples: Bootstrap, gold: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int) -> Metric:
    """Mean F1 over the classes, with its interval, of answers `predicted` [N]."""
    return samples.metric("macro_f1", lambda rows: statistics.macro_f1(gold[rows], predicted[rows], classes))


def _timings(predictor: Predictor, test: Rows) -> npt.NDArray[np.float64]:
    """Microseconds a call at batch 1, tokenizer included, on the predictor's own single thread."""
    names = [column.name for column in predictor.serving.inputs]
    singles = [{name: test.columns[name][i : i + 1] for name in names} for i in range(min(len(test), _TIMED_ROWS))]
    return timed(lambda place: predictor.run(singles[place]), len(singles), "timing the student")


def timed(call: Callable[[int], object], rows: int, description: str) -> npt.NDArray[np.float64]:
    """Microseconds that each of `rows` calls took, [rows], after a few that do not count."""
    for place in range(min(rows, 5)):
        call(place)
    durations = np.empty(rows)
    for place in track(range(rows), description):
        began = time.perf_counter_ns()
        call(place)
        durations[place] = (time.perf_counter_ns() - began) / 1000
    return durations


@contextmanager
def single_thread() -> Iterator[None]:
    """One thread for torch, BLAS and OpenMP alike, as the student has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def calibration(
    samples: Bootstrap, suffix: str, probabilities: npt.NDArray[np.float64], gold: npt.NDArray[np.int64]
) -> list[Metric]:
    """Expected calibration error and mean negative log-likelihood of probabilities [N,K], with intervals."""
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == gold).astype(np.float64)
    losses = -np.log(np.maximum(probabilities[np.arange(len(gold)), gold], 1e-12))
    return [
        samples.centred(
            f"ece{suffix}", lambda rows: statistics.calibration_error(confidence[rows], right[rows], _BINS)
        ),
        samples.mean(f"nll{suffix}", losses),
    ]


def _novelty(novelty: Novelty) -> list[Metric]:
    return (
        [] if novelty.auroc is None or novelty.auroc_confidence is None else [novelty.auroc, novelty.auroc_confidence]
    )


def _parity(candidate: Candidate, probabilities: Floats) -> list[Metric]:
    """How far the float graph is from torch, and the served int8 graph from both."""
    reference = softmax(candidate.torch_logits.astype(np.float64) / candidate.temperature, axis=1)
    exported = softmax(candidate.float_logits.astype(np.float64) / candidate.temperature, axis=1)
    export_gap = float(np.abs(reference - exported).max())
    int8_gap = float(np.abs(reference - probabilities).max())
    same = int((reference.argmax(axis=1) == probabilities.argmax(axis=1)).sum())
    return [
        _worst("parity_export", export_gap),
        _worst("parity_int8", int8_gap),
        statistics.wilson("parity_int8_labels", same, len(probabilities)),
    ]


def _consistency(predictor: Predictor, test: Rows) -> list[Metric]:
    """The largest difference between a row answered alone and in a batch, and how many change their label."""
    names = [column.name for column in predictor.serving.inputs]
    rows = min(len(test), _CONSISTENCY_ROWS)

    def answers(size: int) -> Floats:
        # In the order of the rows, not of their length, so that short texts stand beside long ones.
        starts = range(0, rows, size)
        return np.concatenate([predictor.run({n: test.columns[n][i : i + size] for n in names})[0] for i in starts])

    alone, together = answers(1), answers(_BATCH_ROWS)[:rows]
    gap = float(np.abs(alone - together).max())
    changed = int((alone.argmax(axis=1) != together.argmax(axis=1)).sum())
    return [_worst("batch_gap", gap), _worst("batch_label_changes", changed)]


def _worst(name: str, value: float) -> Metric:
    """A largest value over rows: no sample statistic, so it has no interval."""
    value = float(f"{value:.3g}")
    return Metric(name, value, value, value, 0)


def _compare(samples: Bootstrap, role: str, student: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> Comparison:
    wins, losses = int((student & ~other).sum()), int((other & ~student).sum())
    return Comparison(
        other=role,
        difference=samples.mean("difference", student.astype(np.float64) - other.astype(np.float64)),
        student_only_right=wins,
        other_only_right=losses,
        mcnemar_p=statistics.mcnemar(wins, losses),
    )


def _per_class(
    gold: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], labels: Sequence[str]
) -> tuple[ClassRow, ...]:
    rows = []
    for place, label in enumerate(labels):
        support, claimed = int((gold == place).sum()), int((predicted == place).sum())
        right = int(((gold == place) & (predicted == place)).sum())
        recall = statistics.wilson("recall", right, support)
        precision = right / claimed if claimed else 0.0
        f1 = 2 * right / (support + claimed) if support + claimed else 0.0
        rows.append(ClassRow(label, support, round(precision, 6), recall.value, round(f1, 6), recall.low, recall.high))
    return tuple(rows)


def _per_group(test: Rows, student: npt.NDArray[np.bool_], teacher: npt.NDArray[np.bool_]) -> tuple[GroupRow, ...]:
    if test.groups is None:
        return ()
    rows = []
    for group in sorted(set(test.groups.tolist())):
        mask = test.groups == group
        count = int(mask.sum())
        both = (statistics.wilson("accuracy", int(answers[mask].sum()), count) for answers in (student, teacher))
        rows.append(GroupRow(str(group), count, *both))
    return tuple(rows)


def _reliability(confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> tuple[Bin, ...]:
    places = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    return tuple(
        Bin(
            confidence=round(float(confidence[places == place].mean()), 6),
            accuracy=round(float(right[places == place].mean()), 6),
            rows=int((places == place).sum()),
        )
        for place in np.unique(places).tolist()
    )


def _risk_coverage(confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> tuple[RiskPoint, ...]:
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    counts = np.unique(np.linspace(1, len(order), min(_RISK_POINTS, len(order))).astype(np.int64))
    return tuple(
        RiskPoint(
            coverage=round(count / len(order), 6),
            risk=round(float(wrong[count - 1]), 6),
            threshold=round(float(confidence[order[count - 1]]), 6),
        )
        for count in counts.tolist()
    )


def torch_softmax(logits: Floats) -> Floats:
    """Probabilities [N,K] of raw logits, for rivals that are judged by their labels."""
    return np.exp(log_softmax(logits, axis=1)).astype(np.float32)
