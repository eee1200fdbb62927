"""Rows that belong together: of one group, or near copies of each other. A family stands in one part of any split.

A family's rows share the first digits of their keys, which decide the part, the fold of cross-fitting and the teacher's
fold; so whoever splits by keys keeps families together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from distill.data.keys import shared_key

# Near copies of which a family holds more of a class are no accident of collecting, but what the class is like; and a
# class of families that are no larger stands in three of them at least, one for each part.
LARGEST_SHARE = 1 / 3

Pairs: TypeAlias = np.typing.NDArray[np.int64]  # [M,2], rows
Texts: TypeAlias = np.typing.NDArray[np.object_]


@dataclass(frozen=True)
class Families:
    """The family of each of N rows."""

    numbers: np.typing.NDArray[np.int64]  # [N]; a row alone is a family too
    near: np.typing.NDArray[np.bool_]  # [N]: whether a near copy of the row is in its family
    too_many: np.typing.NDArray[np.bool_]  # [N]: whether a near copy of it is not, as there are too many

    @property
    def several(self) -> bool:
        """Whether there is a family of more than one row."""
        return len(self.numbers) > int(self.numbers.max(initial=-1)) + 1

    def take(self, index: np.typing.NDArray[np.int64]) -> Families:
        """Those of the rows at an integer index."""
        return Families(self.numbers[index], self.near[index], self.too_many[index])

    def straddling(self, parts: Texts, among: np.typing.NDArray[np.bool_]) -> np.typing.NDArray[np.bool_]:
        """Rows [N], of those `among` them, whose family has rows in another part. `parts`: of each row."""
        pairs = np.unique(np.stack([self.numbers[among], _numbered(parts[among])], axis=1), axis=0)[:, 0]
        several = np.bincount(pairs, minlength=int(self.numbers.max(initial=0)) + 1) > 1
        return among & several[self.numbers]


def of(labels: Texts, groups: Texts | None, alike: Sequence[Pairs]) -> Families:
    """The families of N rows.

    A near copy joins as long as no family holds more than a third of a class for it: a chain of likenesses, or rows
    filled into a form, would leave nothing to judge by. `groups` stay whole, whatever they hold.

    Args:
        labels: of each row, "" where it has none.
        groups: that must stay whole, "" for a row that is of none; or None.
        alike: pairs of rows that are near copies of each other, in levels: the surest first.
    """
    numbers = np.arange(len(labels), dtype=np.int64)
    if groups is not None:
        grouped = groups != ""
        numbers[grouped] = len(labels) + _numbered(groups[grouped])
        numbers = _numbered(numbers)
    near, too_many = np.zeros(len(labels), dtype=bool), np.zeros(len(labels), dtype=bool)
    levels = [pairs for pairs in alike if len(pairs)]
    if not levels:
        return Families(numbers, near, too_many)
    classes = _numbered(labels)
    weight = np.where(labels == "", 0.0, 1 / (LARGEST_SHARE * np.bincount(classes)[classes] + 1e-9))
    for pairs in levels:
        joined = _joined(numbers, pairs)
        shares = coo_array((weight, (joined, classes))).tocsr().max(axis=1).toarray().ravel()
        fits = (shares <= 1)[joined] | (np.bincount(joined)[joined] == np.bincount(numbers)[numbers])
        kept = fits[pairs[:, 0]]
        near[pairs[kept].ravel()] = True
        too_many[pairs[~kept].ravel()] = True
        numbers = _numbered(np.where(fits, joined, len(labels) + numbers))
    return Families(numbers, near, too_many & ~near)


def keys(of_rows: Texts, groups: Texts | None, families: Families) -> Texts:
    """The rows' keys [N], with the first digits in common within a family. A row alone keeps its own.

    Digits come from the group's name, so that rows which are added later do not move the others of their group.
    """
    members = np.flatnonzero(np.bincount(families.numbers)[families.numbers] > 1).tolist()
    names = {row: f"group {groups[row]}" if groups is not None and groups[row] else of_rows[row] for row in members}
    first: dict[int, str] = {}
    for row, name in names.items():
        number = int(families.numbers[row])
        first[number] = min(first.get(number, name), name)
    found = of_rows.copy()
    for row in members:
        found[row] = shared_key(first[int(families.numbers[row])], of_rows[row])
    return found


def _joined(numbers: np.typing.NDArray[np.int64], pairs: Pairs) -> np.typing.NDArray[np.int64]:
    """The numbers after the families of both rows of each pair have become one."""
    ends = numbers[pairs]
    size = int(numbers.max(initial=-1)) + 1
    links = coo_array((np.ones(len(ends), dtype=bool), (ends[:, 0], ends[:, 1])), shape=(size, size))
    found = np.asarray(connected_components(links, directed=False)[1], np.int64)
    every: np.typing.NDArray[np.int64] = found[numbers]
    return every


def _numbered(values: np.typing.NDArray[np.generic]) -> np.typing.NDArray[np.int64]:
    """Each value's place among the different ones, in order."""
    found: np.typing.NDArray[np.int64] = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return found
