"""Rows that are read but not yet checked, de-duplicated or split: what every source hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from handler.bundle.contract import Input


@dataclass(frozen=True)
class Pool:
    """N rows from one source.

    `columns`: as in `Rows.columns`. `labels`: object [N] of str, "" where a row has none.
    `split`: object [N] of "train", "validation" or "test", or None where Limbeck is to split.
    `groups`, `votes`, `teacher_probabilities`: as in `Rows`, with classes in the sorted order of the labels.
    """

    inputs: tuple[Input, ...]
    columns: Mapping[str, npt.NDArray[np.generic]]
    labels: npt.NDArray[np.object_]
    groups: npt.NDArray[np.object_] | None = None
    votes: npt.NDArray[np.float32] | None = None
    teacher_probabilities: npt.NDArray[np.float32] | None = None
    split: npt.NDArray[np.object_] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def take(self, index: npt.NDArray[np.generic]) -> Pool:
        """The rows at an integer index or under a boolean mask, in that order."""
        names = ("labels", "groups", "votes", "teacher_probabilities", "split")
        chosen = {name: array[index] for name in names if (array := getattr(self, name)) is not None}
        return replace(self, columns={name: column[index] for name, column in self.columns.items()}, **chosen)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(sorted({label for label in self.labels if label}))
