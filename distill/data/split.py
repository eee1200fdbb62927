"""Which row goes where: one row of each kind, then 80/10/10 by hash, the same on every machine.

Rows of one family (`distill.data.families`) go to one part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from distill.data.keys import source_of
from distill.data.rows import Pool

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
WORDS = MappingProxyType(  # what a column or a folder that says the part may hold
    {
        "train": TRAIN,
        "training": TRAIN,
        "validation": VALIDATION,
        "valid": VALIDATION,
        "val": VALIDATION,
        "dev": VALIDATION,
        "test": TEST,
        "testing": TEST,
    }
)
LEFT_OUT = ""  # of a row without a label whose family judges: it may neither train nor judge
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


def keyed(rows: Unique, keys: np.typing.NDArray[np.object_]) -> tuple[Unique, np.typing.NDArray[np.int64]]:
    """The rows under other keys [N], in the order of those, and where each stood before."""
    order = np.argsort(keys, kind="stable")
    return replace(rows, pool=rows.pool.take(order), keys=keys[order]), order


def parts(rows: Unique) -> np.typing.NDArray[np.object_]:
    """The part of each row, [N]. Of a part that the given split lacks, a tenth of each class is taken out of train.

    Rows of one family are taken together, so a part may be somewhat smaller or larger; families that are larger than a
    part should be train. A row without a label whose family is taken is LEFT_OUT.
    """
    given = _given(rows)
    absent = [part for part in (TEST, VALIDATION) if not (given == part).any()]
    alone = len({source_of(key) for key in rows.keys.tolist()}) == len(rows.keys)
    for place, part in enumerate(absent):
        if alone:
            _take_rows(rows, given, part)
        else:
            _take(rows, given, part, sharing=len(absent) - place + 1)
    return given


def _take_rows(rows: Unique, given: np.typing.NDArray[np.object_], part: str) -> None:
    """Move the first of each class from train to a part: what `_take` does where each row is a family, but faster."""
    for label in rows.pool.names:
        of_label = rows.pool.labels == label
        available = np.flatnonzero(of_label & (given == TRAIN))
        given[available[: max(1, round(int(of_label.sum()) * SHARE))]] = part


@dataclass
class _Part:
    """A part that is being filled with families: rows a class that it has and wants, families a class that are left."""

    wanted: Counter[str]
    left: Counter[str]
    sharing: int
    has: Counter[str] = field(default_factory=Counter)

    def leaves_enough(self, family: Counter[str]) -> bool:
        """Whether the other parts can still have every class of the family."""
        return all(self.left[label] >= self.sharing for label in family)

    def excess(self, family: Counter[str]) -> int:
        """Rows by which the family would bring classes over what is wanted, beyond what they lack now."""
        after = sum(abs(self.has[label] + count - self.wanted[label]) for label, count in family.items())
        return after - sum(abs(self.has[label] - self.wanted[label]) for label in family)

    def fits(self, family: Counter[str]) -> bool:
        """Whether no class of the family is then over what is wanted."""
        return all(self.has[label] + count <= self.wanted[label] for label, count in family.items())


def _take(rows: Unique, given: np.typing.NDArray[np.object_], part: str, sharing: int) -> None:
    """Move families from train to a part until it has its share of each class, in the order of their keys.

    The class of the fewest families is served first. `sharing`: how many parts share what train has now.
    """
    labels = rows.pool.labels
    families = _families(rows.keys, np.flatnonzero(given == TRAIN))
    alone = {label: Counter([label] if label else []) for label in {"", *rows.pool.names}}
    counts = [
        alone[labels[family[0]]] if len(family) == 1 else Counter(label for label in labels[family].tolist() if label)
        for family in families
    ]
    of_label: dict[str, list[int]] = {}
    for place, count in enumerate(counts):
        for label in count:
            of_label.setdefault(label, []).append(place)
    totals = Counter(label for label in labels.tolist() if label)
    wanted = Counter({label: max(1, round(count * SHARE)) for label, count in totals.items()})
    filled = _Part(wanted, Counter({label: len(places) for label, places in of_label.items()}), sharing)
    taken: set[int] = set()

    def take(place: int) -> None:
        taken.add(place)
        filled.has.update(counts[place])
        filled.left.subtract(counts[place].keys())
        members = families[place]
        given[members] = np.where(labels[members] == "", LEFT_OUT, part)

    for label in sorted(of_label, key=lambda label: (filled.left[label], label)):
        for place in of_label[label]:
            if filled.has[label] >= wanted[label]:
                break
            if place not in taken and filled.fits(counts[place]) and filled.leaves_enough(counts[place]):
                take(place)
        while filled.has[label] < wanted[label] and (place := _nearest(of_label[label], counts, filled, taken)) >= 0:
            if filled.has[label] and filled.excess(counts[place]) >= 0:
                break
            take(place)


def _nearest(places: Sequence[int], counts: Sequence[Counter[str]], filled: _Part, taken: set[int]) -> int:
    """Of a class's families the one that overshoots least; -1 where none may go."""
    free = [place for place in places if place not in taken and filled.leaves_enough(counts[place])]
    return min(free, key=lambda place: (filled.excess(counts[place]), place), default=-1)


def _families(
    keys: np.typing.NDArray[np.object_], rows: np.typing.NDArray[np.int64]
) -> list[np.typing.NDArray[np.int64]]:
    """The rows of each family, of the `rows` given, which stand in the order of their keys: families lie together."""
    names = np.array([source_of(key) for key in keys[rows].tolist()], dtype=object)
    begins = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist()]
    return [rows[begin:end] for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True)] if len(rows) else []


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
