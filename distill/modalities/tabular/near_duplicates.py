"""Rows of columns that are near copies of each other: equal but for tiny differences of numbers, or in one column.

Two such rows may be an accident where the columns have few values, so nothing is said of a table in which accidents
are likely: where the columns that agree would, were they independent, let any two rows of the table do so by chance.
"""

from __future__ import annotations

import math

import numpy as np

from distill.modalities.modality import Columns

_TINY = 0.01  # of a column's standard deviation
_MOST_COLUMNS = 64  # of wide tables the columns of most values: they tell rows apart as well as all of them
_FEW_ROWS = 2000  # that say which columns those are
_ACCIDENT = 1e-6  # how probable it may be that there is one in the table
_MOST_ALIKE = 20  # rows that are equal but for one column: with more, that column is all that the rows are about

_Numbers = np.typing.NDArray[np.int64]
_Hashes = np.typing.NDArray[np.uint64]


def pairs(columns: Columns) -> tuple[_Numbers, ...]:
    """Pairs of rows [M,2]: equal but for tiny differences, then equal but for one column as well."""
    rows = len(next(iter(columns.values())))
    # That two rows agree in a column; the first rows are as good as any, as rows stand in the order of their keys.
    chances = {name: _chance(_cells(values[:_FEW_ROWS], 0.0)) for name, values in columns.items()}
    used = sorted((name for name, chance in chances.items() if chance < 1), key=chances.__getitem__)[:_MOST_COLUMNS]
    logs = np.log([chances[name] for name in used])
    least = math.log(_ACCIDENT) - 2 * math.log(max(rows, 2))
    near, but_one = [np.zeros((0, 2), np.int64)], [np.zeros((0, 2), np.int64)]
    for shift in (0.0, 0.5) if logs.sum() < least else ():
        hashes = [_hashed(_cells(columns[name], shift), place) for place, name in enumerate(used)]
        whole = np.stack(hashes).sum(axis=0, dtype=np.uint64)
        near.append(_equal(whole, rows))
        but_one += [
            _equal(whole - one, _MOST_ALIKE) for one, log in zip(hashes, logs, strict=True) if logs.sum() - log < least
        ]
    return np.concatenate(near), np.concatenate(but_one)


def _cells(values: np.typing.NDArray[np.generic], shift: float) -> _Numbers:
    """A number for each cell [N]: categories by their spelling's fold, numbers by where they lie on a fine grid."""
    if values.dtype == object:
        folded = np.array([" ".join(str(cell).casefold().split()) for cell in values.tolist()], dtype=object)
        return np.unique(folded, return_inverse=True)[1].astype(np.int64)
    numbers = values.astype(np.float64)
    held = numbers[np.isfinite(numbers)]
    step = _TINY * float(held.std()) if len(held) else 0.0
    with np.errstate(invalid="ignore"):
        places = np.floor(numbers / step + shift) if step > 0 else np.zeros(len(numbers))
    return np.unique(places, return_inverse=True)[1].astype(np.int64)  # holes are of one value


def _chance(cells: _Numbers) -> float:
    """How probable it is that two rows have the same value."""
    return float(((np.bincount(cells) / len(cells)) ** 2).sum())


def _hashed(cells: _Numbers, place: int) -> _Hashes:
    """A hash of each cell [N] in the column at a place (SplitMix64)."""
    mixed = cells.astype(np.uint64) + np.uint64((place + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _equal(hashes: _Hashes, most: int) -> _Numbers:
    """Rows of equal hashes, each with the next; none of those of which there are more than `most`."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    again = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    many = np.searchsorted(ordered, ordered[again], side="right") - np.searchsorted(ordered, ordered[again]) > most
    again = again[~many]
    return np.stack([order[again - 1], order[again]], axis=1)
