"""Which row goes where: one row of each kind, then 80/10/10 by content hash, the same on every machine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from distill.data.rows import Pool

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
SHARE = 0.1  # of each class, for validation and for test alike
_KEEP_FIRST = {TEST: 0, VALIDATION: 1, TRAIN: 2}  # a row that is in two parts stays in the one that judges


@dataclass(frozen=True)
class Unique:
    """A pool without repeated inputs, ordered by key, and what was dropped to get there."""

    pool: Pool
    keys: np.typing.NDArray[np.object_]
    dropped: int
    conflicts: int  # inputs that came with more than one label


def unique(pool: Pool, keys: np.typing.NDArray[np.object_]) -> Unique:
    """Keep one row of each input, under the label most of its copies carry (a tie: the first in order)."""
    copies: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        copies.setdefault(key, []).append(row)
    kept, conflicts = [], 0
    for key in sorted(copies):
        rows = copies[key]
        if len(rows) > 1:
            counts = Counter(label for label in pool.labels[rows] if label)
            conflicts += len(counts) > 1
            winner = min(counts, key=lambda label: (-counts[label], label)) if counts else ""
            rows = sorted(rows, key=lambda row: _preference(pool, row, winner))
        kept.append(rows[0])
    index = np.array(kept, dtype=np.int64)
    return Unique(pool.take(index), keys[index], len(keys) - len(kept), conflicts)


def sample(rows: Unique, max_rows: int | None) -> Unique:
    """The `max_rows` rows whose hashes come first: a fixed random sample, whatever order the file has."""
    if max_rows is None or len(rows.keys) <= max_rows:
        return rows
    index = np.arange(max_rows)
    return replace(rows, pool=rows.pool.take(index), keys=rows.keys[index])


def parts(rows: Unique) -> np.typing.NDArray[np.object_]:
    """The part of each row, [N]. Of a part that the given split lacks, a tenth of each class is taken out of train."""
    given = _given(rows)
    for part in (TEST, VALIDATION):
        for label in () if (given == part).any() else rows.pool.names:
            of_label = rows.pool.labels == label
            available = np.flatnonzero(of_label & (given == TRAIN))  # the rows stand in key order
            given[available[: max(1, round(int(of_label.sum()) * SHARE))]] = part
    return given


def lacking(rows: Unique) -> list[str]:
    """The parts of which the given split, where there is one, has no labelled row."""
    given = _given(rows)
    return [part for part in (VALIDATION, TEST) if rows.pool.split is not None and not (given == part).any()]


def _given(rows: Unique) -> np.typing.NDArray[np.object_]:
    """The part of each row as the source has it; a row without a label can only train."""
    if rows.pool.split is None:
        return np.full(len(rows.keys), TRAIN, dtype=object)
    given = np.array(rows.pool.split, dtype=object)
    given[rows.pool.labels == ""] = TRAIN
    return given


def _preference(pool: Pool, row: int, winner: str) -> tuple[object, ...]:
    """Sort key of one copy: all that could tell copies apart, so that row order cannot."""
    part = 0 if pool.split is None else _KEEP_FIRST[pool.split[row]]
    group = "" if pool.groups is None else pool.groups[row]
    soft = [b"" if array is None else array[row].tobytes() for array in (pool.teacher_probabilities, pool.votes)]
    return (pool.labels[row] != winner, part, group, *soft)
