"""The rows that flow through the spine, as frozen columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from handler.bundle.contract import Input

UNLABELLED = -1


@dataclass(frozen=True)
class Rows:
    """N rows as columns. Text is NFC; a missing number is NaN, a missing category is the empty string.

    `columns`: input name -> shape [N]; object array of str for dtype "string", float32 for "float32".
    `labels`: int64 [N], index into `Dataset.labels`, or UNLABELLED.
    `keys`: object [N], hex content hash of each row's inputs (stable across machines).
    `groups`: object [N] of str (a domain, a site), or None.
    `votes`: float32 [N,K], shares of human raters, or None.
    `teacher_probabilities`: float32 [N,K] from precomputed columns, NaN rows where absent, or None.
    """

    columns: Mapping[str, npt.NDArray[np.generic]]
    labels: npt.NDArray[np.int64]
    keys: npt.NDArray[np.object_]
    groups: npt.NDArray[np.object_] | None = None
    votes: npt.NDArray[np.float32] | None = None
    teacher_probabilities: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    @property
    def texts(self) -> npt.NDArray[np.object_]:
        """The texts [N] of rows of texts."""
        return self.columns["text"].astype(object)

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Mask [N] of the rows that carry a gold label."""
        return np.not_equal(self.labels, UNLABELLED)

    def take(self, index: npt.NDArray[np.generic]) -> Rows:
        """The rows at an integer index or under a boolean mask, in that order."""
        names = ("labels", "keys", "groups", "votes", "teacher_probabilities")
        chosen = {name: array[index] for name in names if (array := getattr(self, name)) is not None}
        return replace(self, columns={name: column[index] for name, column in self.columns.items()}, **chosen)


@dataclass(frozen=True)
class Dataset:
    """Rows split for good, and what they are. Validation and test rows always have a label."""

    name: str
    task: str  # the modality's name
    inputs: tuple[Input, ...]
    labels: tuple[str, ...]
    train: Rows
    validation: Rows
    test: Rows
    fingerprint: str  # sha256 over every row's inputs, label, split: same rows, same fingerprint
    licence: str  # of a named set; "not stated" for a user's file
    public: bool  # named public set: its inputs may be quoted
    notes: tuple[str, ...] = ()  # what loading noticed and did, for people: "17 exact duplicates dropped"
