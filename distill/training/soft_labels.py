"""The transfer set: rows, and the teacher's logits on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from distill.data.rows import Rows
from distill.modalities.tabular import augment as transfer_tables
from distill.modalities.text import augment as transfer_texts
from distill.modalities.text import word_substitutes
from distill.modalities.text.prelude import MIN_ROWS
from distill.modalities.text.typos import WORD
from distill.recipe.schema import Transfer
from distill.teachers.teacher import Teacher


@dataclass(frozen=True)
class SoftLabels:
    """What a student is taught by: rows [T], the teacher's logits [T,K] (NaN: it did not say), who the teacher was."""

    rows: Rows
    logits: npt.NDArray[np.float32]
    teacher_id: str


def make(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, words: Sequence[str], seed: int
) -> SoftLabels:
    """Label the training rows, and varied copies of them, by the teacher.

    With folds, a row is labelled by a teacher that never saw it; a copy belongs to the fold of the row it came from,
    so no teacher labels a variant of what it was fitted on. `apart`: validation and test rows; a copy that happens to
    equal one of them is left out. `words`: a public list, to put words of it into the copies.
    """
    rows = train
    if config.augment:
        copies = _of_texts if set(train.columns) == {"text"} else _of_columns
        rows = _joined(train, copies(teacher, train, apart, config, words, seed))
    return SoftLabels(rows, teacher.out_of_fold_logits(rows), teacher.id)


def _of_columns(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, words: Sequence[str], seed: int
) -> Rows:
    return transfer_tables.varied(train, apart, config.folds, config.augment, seed)


def _of_texts(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, words: Sequence[str], seed: int
) -> Rows:
    substitutes: Mapping[str, Sequence[str]] = {}
    if config.replace:
        counts: Counter[str] = Counter()
        for text in train.columns["text"].tolist():
            counts.update({found[0].lower() for found in WORD.finditer(str(text))})
        known = [word for word, rows in counts.items() if rows >= MIN_ROWS]
        substitutes = word_substitutes.substitutes(known, words, teacher.word_vectors)
    return transfer_texts.varied(train, apart, config, substitutes, seed)


def _joined(first: Rows, second: Rows) -> Rows:
    """Both, with the copies' groups and votes left out: no stage after this reads them."""
    bare = replace(first, groups=None, votes=None, teacher_probabilities=None)
    return Rows(
        columns={name: np.concatenate([column, second.columns[name]]) for name, column in bare.columns.items()},
        labels=np.concatenate([bare.labels, second.labels]),
        keys=np.concatenate([bare.keys, second.keys]),
    )
