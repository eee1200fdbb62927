"""Columns that say whose row it is, a customer's or a session's, where nobody said that such rows belong together.

Rows of one customer are alike. Where they stand in training and in test, a model is judged by whom it knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np

from distill.data.readers.cells import Table
from handler.modalities import levelling

_FEWEST_VALUES = 20  # fewer are sites, colours or countries: what a row is like, and not whose it is
_FEWEST_ROWS = 2.0  # a value, on the mean
_GAIN = 0.1  # in accuracy, over the commonest class
_OF_ERRORS = 0.25  # of which so many are gone as well
_SHOWN = 3


def notes(table: Table, labels: np.typing.NDArray[np.object_], roles: Collection[str | None]) -> list[str]:
    """A note on the columns whose values come back and tell the label, the most telling first; on none of `roles`."""
    labelled = labels != ""
    if not labelled.any():
        return []
    chance = max(Counter(labels[labelled].tolist()).values()) / int(labelled.sum())
    found = []
    for name, cells in table.columns.items():
        if name in roles:
            continue
        right = _told(cells[labelled], labels[labelled])
        if right is not None and right - chance >= max(_GAIN, _OF_ERRORS * (1 - chance)):
            found.append((-right, name))
    return [
        f"column {name!r} repeats, and the other rows of its value tell a row's label {-right:.0%} of the time (the "
        f"commonest class: {chance:.0%}): if a value is a customer, a session or the like, whose rows belong together, "
        f'set data.group = "{name}"'
        for right, name in sorted(found)[:_SHOWN]
    ]


def _told(cells: np.typing.NDArray[np.object_], labels: np.typing.NDArray[np.object_]) -> float | None:
    """How often the commonest label of the other rows of its value is a row's own; None of what is no identity.

    A number that tells the label no better than the numbers beside it is a quantity.
    """
    read_as = {cell: levelling.word(cell) for cell in set(cells.tolist())}
    words = [read_as[cell] for cell in cells.tolist()]
    different = set(words) - {""}
    if not _FEWEST_VALUES <= len(different) <= len(words) / _FEWEST_ROWS:
        return None
    is_number = all(word.isascii() and word.lstrip("+-").isdigit() for word in different)
    if not is_number and sum(any(map(str.isalpha, word)) for word in different) < len(different) / 2:
        return None  # decimals, dates, times
    ordered = sorted(different, key=int) if is_number else sorted(different)
    place = {word: number for number, word in enumerate(ordered)}
    classes = {label: number for number, label in enumerate(sorted(set(labels.tolist())))}
    rows = np.array([place.get(word, -1) for word in words], dtype=np.int64)
    gold = np.array([classes[label] for label in labels.tolist()], dtype=np.int64)
    counts = np.zeros((len(ordered), len(classes)))
    held = rows >= 0
    np.add.at(counts, (rows[held], gold[held]), 1)
    others = counts[rows[held]]
    others[np.arange(len(others)), gold[held]] -= 1
    some = others.sum(axis=1) > 0
    commonest = int(counts.sum(axis=0).argmax())

    def share(told: np.typing.NDArray[np.int64]) -> float:
        return (float((told == gold[held]).sum()) + float((gold[~held] == commonest).sum())) / len(gold)

    right = share(np.where(some, others.argmax(axis=1), commonest))
    if is_number:
        padded = np.pad(counts, ((2, 2), (0, 0)))
        beside = padded[:-4] + padded[1:-3] + padded[3:-1] + padded[4:]
        chance = counts.sum(axis=0).max() / counts.sum()
        if share(beside[rows[held]].argmax(axis=1)) - chance > 0.5 * (right - chance):
            return None
    return right
