"""The transfer set: rows, and the teacher's logits on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill.data.rows import Rows, concatenated
from distill.teachers.teacher import Teacher


@dataclass(frozen=True)
class SoftLabels:
    """What a student is taught by: rows [T], and the teacher's logits [T,K] (NaN: it did not say)."""

    rows: Rows
    logits: np.typing.NDArray[np.float32]

    def take(self, index: np.typing.NDArray[np.generic]) -> SoftLabels:
        """Those at an integer index or under a boolean mask."""
        return SoftLabels(self.rows.take(index), self.logits[index])


def make(teacher: Teacher, train: Rows, copies: Rows | None) -> SoftLabels:
    """Label the training rows, and varied copies of them, by the teacher.

    With folds, a training row is labelled by a teacher that never saw it: of a row that it was fitted on, a teacher
    says what the label is and not how sure one can be. A copy is labelled by the teacher of all rows.
    """
    logits = teacher.out_of_fold_logits(train)
    if copies is None or not len(copies):
        return SoftLabels(train, logits)
    return SoftLabels(concatenated([train, copies]), np.concatenate([logits, teacher.logits(copies)]))
