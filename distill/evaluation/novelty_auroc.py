"""How well the novelty score tells rows of a domain that training never saw from rows like those it saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import onnxruntime as ort
from sklearn.metrics import roc_auc_score

from distill.data.keys import source_of
from distill.data.rows import Dataset, Rows
from distill.errors import DataError
from distill.evaluation.statistics import rounded
from distill.graph.export import Graph
from distill.modalities.modality import Floats, Modality
from distill.runtime import batched
from distill.training.soft_labels import SoftLabels
from handler.bundle.contract import Metric
from handler.model.predictor import session_options

_FEWEST_ROWS = 30
_RESAMPLES = 300


@dataclass(frozen=True)
class Contrast:
    """What is new against what is known, both as rows, and the words that say so."""

    words: str
    known: Rows
    new: Rows
    left_out: str | None  # the group that the probe's training must not see; None: the student itself is judged


@dataclass(frozen=True)
class Novelty:
    """AUROC of the novelty score, and of the plain 1 - max probability, on the same rows."""

    contrast: str
    auroc: Metric
    auroc_confidence: Metric


def contrast(modality: Modality, dataset: Dataset, held_out_group: str | None, seed: int) -> Contrast:
    """Choose what novelty is judged on: a group left out of a probe's training, or else scrambled test rows.

    Raises:
        DataError: the recipe names a group that the rows do not have.
    """
    test = dataset.test
    if test.groups is None:
        if held_out_group is not None:
            raise DataError(
                f"evaluation.held_out_group is {held_out_group!r}, but the rows have no groups. "
                "Name the column that holds them with data.group."
            )
        return _scrambled(modality, dataset, seed)
    counts = Counter(test.groups.tolist())
    if held_out_group is None:
        # Where rows were split by group, every group of the test rows is as new as any other.
        seen = set() if dataset.train.groups is None else set(dataset.train.groups.tolist())
        enough = sorted((rows, group) for group, rows in counts.items() if rows >= _FEWEST_ROWS and group in seen)
        usable = [group for _, group in enough if _leaves_enough(dataset, group)]
        if len(enough) < 2 or not usable:
            return _scrambled(modality, dataset, seed)
        held_out_group = usable[0]
    elif held_out_group not in counts or len(counts) < 2:
        raise DataError(
            f"evaluation.held_out_group is {held_out_group!r}; the test rows have {', '.join(sorted(counts))}. "
            "Name one of them, with at least one other beside it."
        )
    elif not _leaves_enough(dataset, held_out_group):
        raise DataError(
            f"evaluation.held_out_group is {held_out_group!r}; without it fewer than {_FEWEST_ROWS} labelled training "
            "rows, or no validation row, are left for a second student. Name a smaller group."
        )
    inside = test.groups == held_out_group
    words = f"test rows of {held_out_group}, a group left out of a second student's training, against the others"
    return Contrast(words, test.take(~inside), test.take(inside), held_out_group)


def _leaves_enough(dataset: Dataset, group: str) -> bool:
    """Whether a second student can be trained and chosen on the rows of the other groups."""
    train, validation = dataset.train, dataset.validation
    if train.groups is None or validation.groups is None:
        return False
    left = int(((train.groups != group) & train.labelled).sum())
    return left >= _FEWEST_ROWS and bool((validation.groups != group).any())


def without(soft: SoftLabels, held: SoftLabels, dataset: Dataset, group: str) -> tuple[SoftLabels, SoftLabels, Dataset]:
    """Soft labels of the transfer set, those of validation rows, and the dataset, without every row of `group`.

    Every variant of such a row is taken out too; test rows stay.
    """
    train, validation = dataset.train, dataset.validation
    if train.groups is None or validation.groups is None:
        raise ValueError("a dataset without groups has none to leave out")
    hidden = {source_of(key) for key in train.keys[train.groups == group].tolist()}
    kept = np.array([source_of(key) not in hidden for key in soft.rows.keys.tolist()])
    others = validation.groups != group
    smaller = replace(dataset, train=train.take(train.groups != group), validation=validation.take(others))
    return soft.take(kept), held.take(others), smaller


def judge(graph: Graph, chosen: Contrast, seed: int, feed: batched.Feeds = batched.feeds) -> Novelty:
    """Score both sides with a finished graph."""
    known, known_doubt = _scores(graph, chosen.known, feed)
    new, new_doubt = _scores(graph, chosen.new, feed)
    return Novelty(
        chosen.words,
        _auroc("novelty_auroc", known, new, seed),
        _auroc("confidence_auroc", known_doubt, new_doubt, seed),
    )


def _scores(graph: Graph, rows: Rows, feed: batched.Feeds) -> tuple[Floats, Floats]:
    session = ort.InferenceSession(
        graph.model.SerializeToString(), sess_options=session_options(), providers=["CPUExecutionProvider"]
    )
    columns = {value.name: rows.columns[value.name] for value in graph.model.graph.input}
    probabilities, novelty = batched.run(
        lambda tensors: session.run(["probabilities", "novelty"], tensors), columns, feed
    )
    return novelty, 1 - probabilities.max(axis=1)


def _auroc(name: str, known: Floats, new: Floats, seed: int) -> Metric:
    scores = np.concatenate([known, new])
    truth = np.concatenate([np.zeros(len(known)), np.ones(len(new))])
    random = np.random.default_rng(seed)
    resampled = []
    for _ in range(_RESAMPLES):
        places = np.concatenate(
            [random.integers(len(known), size=len(known)), len(known) + random.integers(len(new), size=len(new))]
        )
        resampled.append(roc_auc_score(truth[places], scores[places]))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return rounded(name, float(roc_auc_score(truth, scores)), float(low), float(high), len(scores))


def _scrambled(modality: Modality, dataset: Dataset, seed: int) -> Contrast:
    """Rows that keep each value but no sense."""
    test = dataset.test
    columns = modality.scramble(test, np.random.default_rng(seed))
    return Contrast(modality.scrambled, test, replace(test, columns=columns), None)
