"""Evidence that nobody measured: a seeded draw that hangs together as a real run's would."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from distill.evaluation import statistics
from distill.evaluation.evidence import (
    MAJORITY,
    Bin,
    ClassRow,
    Evidence,
    GateResult,
    GroupRow,
    MeasuredContender,
    PairedDifference,
    RiskPoint,
)
from handler.bundle.abstention import Thresholds
from handler.bundle.contract import DriftBaseline, Input, Limits, Metric, Serving

SENTIMENT = ("negative", "neutral", "positive")


def share(name: str, right: int, n: int) -> Metric:
    """A share with its Wilson interval."""
    return statistics.wilson(name, right, n)


def number(name: str, value: float, half: float, n: int) -> Metric:
    """A value and an interval of this half width."""
    return Metric(name, value, value - half, value + half, n)


def serving(labels: Sequence[str] = SENTIMENT, **columns: str) -> Serving:
    """Text by default; `columns` (name -> "number" or "category") make it tabular."""
    inputs = tuple(Input(name, "float32" if kind == "number" else "string", kind) for name, kind in columns.items())
    return Serving(
        task="tabular" if columns else "text",
        inputs=inputs or (Input("text", "string", "text"),),
        labels=tuple(labels),
        thresholds=Thresholds(abstain_below=0.5),
        limits=Limits(max_inputs=64, max_characters=20_000, max_body_bytes=1_000_000, max_depth=32, max_explained=64),
        drift_baseline=DriftBaseline(2370, 0.71, 0.5, 0.08, {label: 1 / len(labels) for label in labels}),
        evidence=(Metric("accuracy", 0.74, 0.72, 0.76, 2370),),
    )


def evidence(
    labels: Sequence[str] = SENTIMENT, rows: int = 2370, accuracy: float = 0.74, groups: int = 4, seed: int = 7
) -> Evidence:
    """Evidence over `labels` with a student of about this accuracy."""
    draw = np.random.default_rng(seed)
    k = len(labels)
    gold = draw.choice(k, size=rows, p=draw.dirichlet(np.full(k, 8.0)))
    habits = draw.dirichlet(np.full(k, 0.4), size=k)  # which wrong class each class is taken for
    confidence = np.clip(draw.beta(6 * accuracy + 1, 3 - 2 * accuracy, rows), 1 / k + 0.01, 0.999)
    right = draw.random(rows) < np.clip(confidence - confidence.mean() + accuracy, 0, 1)
    wrong = np.array([draw.choice(k, p=habits[label]) for label in gold])
    predicted = np.where(right, gold, wrong)
    right = predicted == gold
    confusion = np.zeros((k, k), dtype=int)
    np.add.at(confusion, (gold, predicted), 1)
    n_right = int(right.sum())
    rights = {
        "teacher": min(rows, n_right + rows // 50),
        "student": n_right,
        "hard-label twin": n_right - rows // 40,
        "baseline": n_right - rows // 15,
        MAJORITY: int(np.bincount(gold).max()),
    }
    return Evidence(
        test_rows=rows,
        judged=f"{rows:,} test rows, which neither training nor any choice saw",
        contenders=_contenders(rights, rows),
        comparisons=tuple(
            _comparison(role, n_right - rights[role], rows)
            for role in ("teacher", "hard-label twin", "baseline", MAJORITY)
        ),
        teacher_comparisons=tuple(
            _comparison(role, rights["teacher"] - rights[role], rows)
            for role in ("hard-label twin", "baseline", MAJORITY)
        ),
        metrics=(
            Metric("retention", n_right / rights["teacher"], 0.961, 0.989, rows),
            share("fidelity", int(rows * 0.87), rows),
            Metric("ece", 0.021, 0.016, 0.034, rows),
            Metric("ece_before", 0.094, 0.08, 0.11, rows),
            Metric("nll", 0.612, 0.58, 0.65, rows),
            Metric("novelty_auroc", 0.713, 0.69, 0.74, 2 * rows),
            Metric("novelty_auroc_max_probability", 0.604, 0.58, 0.63, 2 * rows),
            Metric("parity_max_difference", 1.2e-6, 1.2e-6, 1.2e-6, 0),
        ),
        per_class=_per_class(labels, confusion),
        per_group=tuple(_group(i, rows, n_right) for i in range(groups)),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        reliability=_bins(confidence, right),
        reliability_before=_bins(np.clip(confidence**0.55, 0, 1), right),
        risk_coverage=_risks(confidence, right),
        novelty_contrast="newspaper snippets, left out of a probe's training",
    )


def gates(*, failing: bool = False) -> tuple[GateResult, ...]:
    return (
        GateResult("min_retention", 0.97, 0.96996 if failing else 0.9756, not failing),
        GateResult("min_teacher_accuracy", 0.7, 0.76, True),
        GateResult("max_kilobytes", 1500, 812.4, True, "kB"),
        GateResult("max_latency_ms", 1.0, 0.0621, True, "ms"),
        GateResult("parity", 1e-4, 1.2e-6, True),
    )


PROVENANCE = {
    "recipe": {"name": "sentiment", "seed": 0, "data": {"source": "vader-icwsm14"}, "student": {"kind": "conv"}},
    "data": {
        "name": "vader-icwsm14",
        "fingerprint": "5b0c" * 16,
        "licence": "MIT",
        "public": True,
        "notes": ["17 exact duplicates dropped", "train 18960, validation 2370, test 2370 rows"],
    },
    "teacher": {"id": "encoder:all-MiniLM-L6-v2:finetune", "sha256": "53aa" * 16, "licence": "Apache-2.0"},
    "packages": {"torch": "2.13.0", "onnxruntime": "1.27.0"},
    "commit": "4253510",
}


def _contenders(rights: dict[str, int], rows: int) -> tuple[MeasuredContender, ...]:
    described = {
        "teacher": ("all-MiniLM-L6-v2, fine-tuned 3 epochs", 90_868.0, 11_400.0, 19_000.0),
        "student": ("conv, 96-d embeddings, 16,000 words, int8", 812.4, 62.1, 118.0),
        "hard-label twin": ("the same student, taught by gold labels alone", 812.4, 61.8, 117.0),
        "baseline": ("TF-IDF (1,2-grams) + logistic regression, C=4", None, 410.0, None),
        MAJORITY: ("always 'neutral'", None, None, None),
    }
    return tuple(
        MeasuredContender(
            role,
            text,
            share("accuracy", right, rows),
            share("macro_f1", int(right * 0.97), rows),
            number("log_loss", 1.2 - right / rows, 0.02, rows),
            size,
            p50,
            p99,
        )
        for (role, right), (text, size, p50, p99) in zip(rights.items(), described.values(), strict=True)
    )


def _comparison(role: str, gain: int, rows: int) -> PairedDifference:
    losses = rows // 14
    wins = losses + gain
    spread = 1.96 * math.sqrt(wins + losses) / rows
    difference = Metric("difference", gain / rows, gain / rows - spread, gain / rows + spread, rows)
    p = math.erfc(abs(gain) / math.sqrt(2 * (wins + losses)))
    return PairedDifference(role, difference, number("log_loss_difference", -gain / rows, 0.02, rows), wins, losses, p)


def _per_class(labels: Sequence[str], confusion: np.ndarray) -> tuple[ClassRow, ...]:
    made = []
    for i, label in enumerate(labels):
        support, hits, called = int(confusion[i].sum()), int(confusion[i, i]), int(confusion[:, i].sum())
        precision, recall = hits / called if called else 0.0, hits / support if support else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        interval = share("recall", hits, support)
        made.append(ClassRow(label, support, precision, recall, f1, interval.low, interval.high))
    return tuple(made)


def _group(i: int, rows: int, n_right: int) -> GroupRow:
    names = ("tweets", "movie reviews", "amazon reviews", "newspaper snippets")
    n = rows // (3 + i)
    right = int(n * (n_right / rows + 0.03 - 0.03 * i))
    return GroupRow(names[i % 4], n, share("accuracy", right, n), share("accuracy", min(n, right + n // 60), n))


def _bins(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> tuple[Bin, ...]:
    index = statistics.bin_of(confidence, bins)
    masks = [index == i for i in range(bins)]
    return tuple(Bin(float(confidence[m].mean()), float(right[m].mean()), int(m.sum())) for m in masks if m.any())


def _risks(confidence: np.ndarray, right: np.ndarray) -> tuple[RiskPoint, ...]:
    order = np.argsort(-confidence)
    wrong = np.cumsum(~right[order])
    steps = np.unique(np.linspace(1, len(order), 101).astype(int))
    return tuple(
        RiskPoint(float(i / len(order)), float(wrong[i - 1] / i), float(confidence[order[i - 1]])) for i in steps
    )
