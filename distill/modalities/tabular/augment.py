"""More rows for a table's transfer set: copies of each row, some of whose columns are those of a row near it.

After MUNGE (Bucila, Caruana and Niculescu-Mizil, 2006, "Model Compression"), without its noise on numbers: every cell
of a copy stands in some training row, so that sentinels, holes and whole numbers stay what they are.

It helps some tables and harms others (four copies a row, one seed, an embedded student with 16 pieces a number): 0.929
became 0.938 on 4,000 rows of sentinels, tails and rare categories, which 32 pieces reach without copies; 0.750 became
0.746 on diamonds, whose depth follows from their sides, so that mixed rows are of no diamond.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distill.data.keys import copy_key, fold_of
from distill.data.rows import UNLABELLED, Rows
from distill.recipe.schema import Transfer
from distill.teachers.teacher import Teacher

_CANDIDATES = 64  # rows drawn at random, of which the nearest is taken: to look at all would cost rows squared
_SHARE = 0.5  # of the columns that come from the near row
_MOST_CELLS = 1 << 22  # compared at once


@dataclass(frozen=True)
class _Points:
    """Where N rows lie: numbers by their rank, 0..1, a hole beyond the largest; categories by a code."""

    ranks: np.typing.NDArray[np.float32]  # [N, numbers]
    codes: np.typing.NDArray[np.int32]  # [N, categories]

    def nearest(
        self, rows: np.typing.NDArray[np.int64], members: np.typing.NDArray[np.int64], random: np.random.Generator
    ) -> np.typing.NDArray[np.int64]:
        """For each of `rows` [R] the nearest other of the candidates among `members`.

        Near: the ranks that lie between them, and the categories that differ, added up.
        """
        candidates = members[random.integers(len(members), size=(len(rows), _CANDIDATES))]
        gaps = np.abs(self.ranks[rows][:, None] - self.ranks[candidates]).sum(axis=2)
        gaps += (self.codes[rows][:, None] != self.codes[candidates]).sum(axis=2)
        gaps[candidates == rows[:, None]] = np.inf
        found: np.typing.NDArray[np.int64] = candidates[np.arange(len(rows)), gaps.argmin(axis=1)]
        return found


def copies(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, public: Sequence[str], seed: int
) -> Rows:
    """`config.augment` variants a row, see `varied`; what the teacher and public words say of rows matters to none."""
    return varied(train, apart, config.folds, config.augment, seed)


def varied(train: Rows, apart: Sequence[Rows], folds: int, copies: int, seed: int) -> Rows:
    """`copies` variants a row, unlabelled: each column the row's own or, as often, that of a near row of its fold.

    The first digits of a variant's key are its row's, so that it belongs to the same fold. A variant that equals a row
    of `train` or `apart`, or another variant, is left out.
    """
    names = sorted(train.columns)
    points, cells, places = _points(train, names), _cells(train, names), fold_of(train, folds)
    taken = {content for rows in (train, *apart) for content in _contents(_cells(rows, names))}
    random = np.random.default_rng(seed)
    at_once = max(1, _MOST_CELLS // (_CANDIDATES * len(names)))
    parts: dict[str, list[np.typing.NDArray[np.generic]]] = {name: [train.columns[name][:0]] for name in train.columns}
    keys: list[str] = []
    for fold in range(folds):
        members = np.flatnonzero(places == fold)
        sources = np.repeat(members, copies if len(members) > 1 else 0)
        for start in range(0, len(sources), at_once):
            rows = sources[start : start + at_once]
            others = points.nearest(rows, members, random)
            swapped = random.random((len(rows), len(names))) < _SHARE
            fresh = []
            for place, content in enumerate(_contents(np.where(swapped, cells[others], cells[rows]))):
                if content not in taken:
                    taken.add(content)
                    fresh.append(place)
                    keys.append(copy_key(str(train.keys[rows[place]]), content))
            for column, name in enumerate(names):
                parts[name].append(train.columns[name][np.where(swapped[:, column], others, rows)[fresh]])
    return Rows(
        columns={name: np.concatenate(part) for name, part in parts.items()},
        labels=np.full(len(keys), UNLABELLED, dtype=np.int64),
        keys=np.array(keys, dtype=object),
    )


def _points(rows: Rows, names: Sequence[str]) -> _Points:
    ranks = [np.zeros((len(rows), 0), np.float32)]
    codes = [np.zeros((len(rows), 0), np.int32)]
    for name in names:
        values = rows.columns[name]
        _, place, counts = np.unique(values, return_inverse=True, return_counts=True)  # NaN is one value, the last
        if values.dtype == object:
            codes.append(place.astype(np.int32)[:, None])
        else:
            middle = (np.cumsum(counts) - counts / 2) / len(rows)
            ranks.append(middle.astype(np.float32)[place][:, None])
    return _Points(np.concatenate(ranks, axis=1), np.concatenate(codes, axis=1))


def _cells(rows: Rows, names: Sequence[str]) -> np.typing.NDArray[np.uint64]:
    """What stands in each cell [N,F], as a number: the same for the same value, in whatever rows it stands."""
    cells = np.empty((len(rows), len(names)), "<u8")
    for column, name in enumerate(names):
        values = rows.columns[name]
        if values.dtype == object:
            words, place = np.unique(values, return_inverse=True)
            digests = [hashlib.sha256(str(word).encode()).digest()[:8] for word in words.tolist()]
            cells[:, column] = np.frombuffer(b"".join(digests), "<u8")[place]
        else:
            numbers = values.astype("<f4") + np.float32(0)  # -0 is 0
            numbers[np.isnan(numbers)] = np.nan  # there are many NaN, and all say the same
            cells[:, column] = numbers.view("<u4")
    return cells


def _contents(cells: np.typing.NDArray[np.uint64]) -> list[str]:
    """A hash [N] of each row's cells."""
    return [hashlib.sha256(row).hexdigest() for row in cells]
