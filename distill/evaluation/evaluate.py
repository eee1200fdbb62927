"""The evidence: everything measured on the test rows, once, of the answers that the shipped predictor gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

from distill.data.rows import Rows
from distill.evaluation import contenders, decision_costs, statistics
from distill.evaluation.contenders import Contender, Floats, Labels
from distill.evaluation.decision_costs import Prices
from distill.evaluation.evidence import BASELINE, TWIN, Bin, ClassRow, Evidence, GroupRow, MeasuredContender, RiskPoint
from distill.evaluation.novelty_auroc import Novelty
from handler.bundle.contract import Metric

_RISK_POINTS = 100


@dataclass(frozen=True)
class Judged:
    """The rows that are judged, how often each was answered, and how that was done, in a sentence."""

    test: Rows
    labels: tuple[str, ...]
    words: str
    repeats: int = 1  # contenders' answers then stand as so many blocks of the rows
    prices: Prices | None = None  # of mistakes, where they do not all count alike


def run(
    student: Contender,
    others: Sequence[Contender],
    temperature: float | Floats,
    checks: Sequence[Metric],
    novelty: Novelty | None,
    judged: Judged,
    bootstrap: int,
    seed: int,
) -> Evidence:
    """Measure the student beside the others (the teacher first) on the same test rows.

    `temperature`: what its logits were divided by, of all answers or of each, [N,1]. `checks`: of the graph, see
    `distill.evaluation.parity`. `novelty`: None where it was not measured.
    """
    test, labels = judged.test, judged.labels
    gold = np.tile(test.labels, judged.repeats)
    samples = statistics.Bootstrap(len(test), bootstrap, seed, judged.repeats)
    teacher = others[0]
    right, taught = student.labels == gold, teacher.labels == gold
    own, *rest = (_measured(one, gold, samples) for one in (student, *others))
    before = softmax(np.log(np.maximum(student.probabilities, 1e-30)).astype(np.float64) * temperature, axis=1)
    comparisons = tuple(contenders.paired(student, other, gold, samples) for other in others)
    priced = decision_costs.measured(student, others, gold, labels, judged.prices, samples) if judged.prices else None
    gains = {TWIN: "gain_over_twin", BASELINE: "gain_over_baseline"}
    metrics = [
        own.accuracy,
        own.macro_f1,
        samples.ratio("retention", right, taught),
        *(replace(pair.difference, name=gains[pair.other]) for pair in comparisons if pair.other in gains),
        samples.share("fidelity", student.labels == teacher.labels),
        *contenders.calibration(student.probabilities, gold, samples),
        *contenders.calibration(before, gold, samples, "_before"),
        *((novelty.auroc, novelty.auroc_confidence) if novelty else ()),
        *checks,
        *(priced[1] if priced else ()),
        *_costs(student, rest[0].latency_us_p50),
    ]
    # What counts rows is of their first answers.
    rows = len(test)
    counts = confusion_matrix(test.labels, student.labels[:rows], labels=range(len(labels)))
    confidence, before, right, taught = (
        student.probabilities.max(axis=1)[:rows],
        before[:rows],
        right[:rows],
        taught[:rows],
    )
    return Evidence(
        test_rows=rows,
        judged=judged.words,
        contenders=(rest[0], own, *rest[1:]),
        comparisons=comparisons,
        teacher_comparisons=tuple(contenders.paired(teacher, other, gold, samples) for other in others[1:]),
        metrics=tuple(metrics),
        per_class=_per_class(counts, labels),
        per_group=_per_group(test, right, taught),
        confusion=tuple(map(tuple, counts.tolist())),
        reliability=_reliability(confidence, right),
        reliability_before=_reliability(before.max(axis=1), right),
        risk_coverage=_risk_coverage(confidence, right),
        novelty_contrast=novelty.contrast if novelty else "",
        costs=priced[0] if priced else None,
    )


def _measured(one: Contender, gold: Labels, samples: statistics.Bootstrap) -> MeasuredContender:
    found = contenders.measured(one, gold, samples)
    return found if found.kilobytes is None else replace(found, kilobytes=round(found.kilobytes, 1))


def _costs(student: Contender, teacher_p50: float | None) -> list[Metric]:
    """What is known of the student's size and latency, and how much faster than the teacher it is."""
    costs = []
    if student.kilobytes is not None:
        size = round(student.kilobytes, 1)
        costs.append(Metric("kilobytes", size, size, size, 0))
    if student.timings is not None:
        p50 = statistics.quantile("latency_us_p50", student.timings, 0.5)
        costs += [p50, statistics.quantile("latency_us_p99", student.timings, 0.99)]
        if teacher_p50:
            ratio = round(teacher_p50 / p50.value, 1)
            costs.append(Metric("speedup_over_teacher", ratio, ratio, ratio, 0))
    return costs


def _per_class(counts: np.typing.NDArray[np.int64], labels: Sequence[str]) -> tuple[ClassRow, ...]:
    """Of `counts` of rows, [K gold, K predicted]."""
    rows = []
    for place, label in enumerate(labels):
        support, claimed, right = (int(n) for n in (counts[place].sum(), counts[:, place].sum(), counts[place, place]))
        recall = statistics.wilson("recall", right, support)
        precision = right / claimed if claimed else 0.0
        f1 = 2 * right / (support + claimed) if support + claimed else 0.0
        rows.append(ClassRow(label, support, round(precision, 6), recall.value, round(f1, 6), recall.low, recall.high))
    return tuple(rows)


def _per_group(
    test: Rows, student: np.typing.NDArray[np.bool_], teacher: np.typing.NDArray[np.bool_]
) -> tuple[GroupRow, ...]:
    if test.groups is None:
        return ()
    masks = {str(group): test.groups == group for group in sorted(set(test.groups.tolist()))}

    def share(right: np.typing.NDArray[np.bool_], mask: np.typing.NDArray[np.bool_]) -> Metric:
        return statistics.wilson("accuracy", int(right[mask].sum()), int(mask.sum()))

    return tuple(
        GroupRow(group, int(mask.sum()), share(student, mask), share(teacher, mask)) for group, mask in masks.items()
    )


def _reliability(confidence: Floats, right: np.typing.NDArray[np.bool_]) -> tuple[Bin, ...]:
    places = statistics.bin_of(confidence)
    masks = [places == place for place in np.unique(places)]
    return tuple(
        Bin(round(float(confidence[mask].mean()), 6), round(float(right[mask].mean()), 6), int(mask.sum()))
        for mask in masks
    )


def _risk_coverage(confidence: Floats, right: np.typing.NDArray[np.bool_]) -> tuple[RiskPoint, ...]:
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
