"""The rows that flow through the spine, as frozen columns: as a source has them, and split for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handler.bundle.contract import Input

UNLABELLED = -1


@dataclass(frozen=True)
class Rows:
    """N rows as columns. Text is NFC; a missing number is NaN, a missing category is the empty string.

    `columns`: input name -> shape [N]; object array of str for dtype "string", float32 for "float32"; for pictures, of
    dtype "uint8", an object array of their files' bytes (`distill.data.encoded`).
    `labels`: int64 [N], index into `Dataset.labels`, or UNLABELLED.
    `keys`: object [N], hex content hash of each row's inputs (stable across machines).
    `groups`: object [N] of str (a domain, a site), or None.
    `votes`: float32 [N,K], shares of human raters, or None.
    `teacher_probabilities`: float32 [N,K] from precomputed columns, NaN rows where absent, or None.
    """

    columns: Mapping[str, np.typing.NDArray[np.generic]]
    labels: np.typing.NDArray[np.int64]
    keys: np.typing.NDArray[np.object_]
    groups: np.typing.NDArray[np.object_] | None = None
    votes: np.typing.NDArray[np.float32] | None = None
    teacher_probabilities: np.typing.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    @property
    def texts(self) -> np.typing.NDArray[np.object_]:
        """The texts [N] of rows of texts."""
        return self.columns["text"].astype(object)

    @property
    def labelled(self) -> np.typing.NDArray[np.bool_]:
        """Mask [N] of the rows that carry a gold label."""
        return np.not_equal(self.labels, UNLABELLED)

    def take(self, index: np.typing.NDArray[np.generic]) -> Rows:
        """The rows at an integer index or under a boolean mask, in that order."""
        return replace(self, **_taken(self, index))


def concatenated(parts: Sequence[Rows]) -> Rows:
    """All rows of `parts` in their order. What only some of them carry, such as groups, is left out."""

    def optional(name: str) -> Any:  # noqa: ANN401 - an array of that field's type, or None
        arrays = [getattr(part, name) for part in parts]
        return None if any(array is None for array in arrays) else np.concatenate(arrays)

    return Rows(
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
        labels=np.concatenate([part.labels for part in parts]),
        keys=np.concatenate([part.keys for part in parts]),
        groups=optional("groups"),
        votes=optional("votes"),
        teacher_probabilities=optional("teacher_probabilities"),
    )


@dataclass(frozen=True)
class Pool:
    """N rows from one source, read but not yet checked, de-duplicated or split.

    `columns`: as in `Rows.columns`. `labels`: object [N] of str, "" where a row has none.
    `split`: object [N] of "train", "validation" or "test", or None where Limbeck is to split.
    `groups`, `votes`, `teacher_probabilities`: as in `Rows`, with classes in the sorted order of the labels.
    """

    inputs: tuple[Input, ...]
    columns: Mapping[str, np.typing.NDArray[np.generic]]
    labels: np.typing.NDArray[np.object_]
    groups: np.typing.NDArray[np.object_] | None = None
    votes: np.typing.NDArray[np.float32] | None = None
    teacher_probabilities: np.typing.NDArray[np.float32] | None = None
    split: np.typing.NDArray[np.object_] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def take(self, index: np.typing.NDArray[np.generic]) -> Pool:
        """The rows at an integer index or under a boolean mask, in that order."""
        return replace(self, **_taken(self, index))

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(sorted({label for label in self.labels if label}))


def _taken(rows: Rows | Pool, index: np.typing.NDArray[np.generic]) -> dict[str, Any]:
    """What an index changes: the fields that hold a value a row, by name."""
    arrays = {name: value[index] for name, value in vars(rows).items() if isinstance(value, np.ndarray)}
    return {"columns": {name: column[index] for name, column in rows.columns.items()}} | arrays


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
    public: bool  # a named public set, or said to be public: its inputs may be quoted
    given_split: bool = False  # by the file or folder
    notes: tuple[str, ...] = ()  # what loading noticed and did, for people: "17 exact duplicates dropped"
