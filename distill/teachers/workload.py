"""About how long a teacher of scikit-learn's takes for a table, told before it is fitted.

Measured on one thread of a server (2026): within a factor of two for 100 to 160,000 rows, 4 to 1,500 columns and 2 to
500 classes. The number of rows a class does not matter to any of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from distill.data.rows import Dataset

_ROWS_A_LEAF = 20  # at least, of boosted trees
_REFITS = 6  # with the setting that was chosen: of all rows, and without each of five folds
_ANSWERS = 11  # a training row: itself and ten copies of it


@dataclass(frozen=True)
class Size:
    """What decides it."""

    rows: int  # labelled, for training
    columns: int
    classes: int

    def __str__(self) -> str:
        """In words."""
        return f"{self.rows:,} rows, {self.columns:,} columns, {self.classes:,} classes"


def size_of(dataset: Dataset) -> Size:
    """The size of a data set's training rows."""
    return Size(int(dataset.train.labelled.sum()), len(dataset.inputs), len(dataset.labels))


def boosted_trees(size: Size, leaves: tuple[int, ...], rounds: int) -> float:
    """Seconds of boosting so many rounds: a search among trees of so many `leaves`, refits, and answers.

    A round is a tree a class, or one where there are two classes.
    """
    trees = rounds * (size.classes if size.classes > 2 else 1)
    most = max(2, size.rows // _ROWS_A_LEAF)

    def fit(count: int) -> float:
        return trees * (5e-4 + 3.5e-9 * size.rows * size.columns + 2.2e-6 * min(count, most) * size.columns)

    searches = sum(map(fit, leaves)) if len(leaves) > 1 else 0.0
    return searches + _REFITS * fit(leaves[0]) + _ANSWERS * size.rows * trees * 7e-8


def forest(size: Size, trees: int, columns_a_split: tuple[float, ...]) -> float:
    """Seconds of growing so many trees: a search among numbers of columns looked at in a split, refits, and answers."""
    splits = size.rows * math.log2(max(size.rows, 2))
    fits = [trees * (2e-8 * splits * looked + 5e-9 * size.rows * size.classes) for looked in columns_a_split]
    answers = _ANSWERS * size.rows * trees * (5e-7 + 2e-9 * size.classes)
    return sum(fits) + _REFITS * fits[0] + answers


def in_words(seconds: float) -> str:
    """A duration as a person says it."""
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{max(10.0, round(seconds, -1)):.0f} seconds"
