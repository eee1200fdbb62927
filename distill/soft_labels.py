"""The transfer set: rows, and the teacher's logits on them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from distill import transfer_tables
from distill.datasets.rows import UNLABELLED, Rows
from distill.recipe import Transfer
from distill.teachers.teacher import Teacher, fold_of

_DROP, _CROP, _JOIN = 0.4, 0.7, 1.0  # cumulative shares of the three ways to vary a text
_DROP_SHARE = 0.15


@dataclass(frozen=True)
class SoftLabels:
    """What a student is taught by: rows [T], the teacher's logits [T,K] (NaN: it did not say), who the teacher was."""

    rows: Rows
    logits: npt.NDArray[np.float32]
    teacher_id: str


def make(teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, seed: int) -> SoftLabels:
    """Label the training rows, and varied copies of them, by the teacher.

    With folds, a row is labelled by a teacher that never saw it; a copy belongs to the fold of the row it came from,
    so no teacher labels a variant of what it was fitted on. `apart`: validation and test rows; a copy that happens to
    equal one of them is left out.
    """
    if config.augment == 0:
        return SoftLabels(train, teacher.out_of_fold_logits(train), teacher.id)
    if set(train.columns) != {"text"}:
        rows = _joined(train, transfer_tables.varied(train, apart, config.folds, config.augment, seed))
        return SoftLabels(rows, teacher.out_of_fold_logits(rows), teacher.id)
    rows = _joined(train, _varied(train, config, seed))
    logits = teacher.out_of_fold_logits(rows)
    held = {text for part in apart for text in part.columns["text"].tolist()}
    kept = np.array([text not in held for text in rows.columns["text"].tolist()])
    return SoftLabels(rows.take(kept), logits[kept], teacher.id)


def _varied(train: Rows, config: Transfer, seed: int) -> Rows:
    """`config.augment` variants a row, unlabelled: words dropped, a span cut out, or two halves joined.

    After Tang et al. (2019), "Distilling Task-Specific Knowledge from BERT into Simple Neural Networks".
    """
    words = [str(text).split() for text in train.columns["text"].tolist()]
    places = fold_of(train, config.folds)
    random = np.random.default_rng(seed)
    texts: list[str] = []
    keys: list[str] = []
    taken = set(train.columns["text"].tolist())
    for fold in range(config.folds):
        members = np.flatnonzero(places == fold)
        for place in members.tolist():
            for _ in range(config.augment):
                other = words[int(members[random.integers(len(members))])]
                text = " ".join(_vary(words[place], other, random))
                if text and text not in taken:
                    taken.add(text)
                    texts.append(text)
                    # The first digits decide the fold: they are the source row's.
                    keys.append(train.keys[place][:12] + hashlib.sha256(text.encode()).hexdigest()[:52])
    return Rows(
        columns={"text": np.array(texts, dtype=object)},
        labels=np.full(len(texts), UNLABELLED, dtype=np.int64),
        keys=np.array(keys, dtype=object),
    )


def _vary(words: list[str], other: list[str], random: np.random.Generator) -> list[str]:
    way = random.random()
    if way < _DROP:
        kept = random.random(len(words)) >= _DROP_SHARE
        return [word for word, keep in zip(words, kept.tolist(), strict=True) if keep]
    if way < _CROP:
        length = int(random.integers(1, max(2, len(words))))
        start = int(random.integers(0, max(1, len(words) - length + 1)))
        return words[start : start + length]
    return words[: (len(words) + 1) // 2] + other[len(other) // 2 :]


def _joined(first: Rows, second: Rows) -> Rows:
    """Both, with the copies' groups and votes left out: no stage after this reads them."""
    bare = replace(first, groups=None, votes=None, teacher_probabilities=None)
    return Rows(
        columns={name: np.concatenate([column, second.columns[name]]) for name, column in bare.columns.items()},
        labels=np.concatenate([bare.labels, second.labels]),
        keys=np.concatenate([bare.keys, second.keys]),
    )
