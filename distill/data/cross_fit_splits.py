"""A dataset split again and again, so that each row is a test row once in every repeat."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from distill.data.rows import Dataset, Rows, concatenated

FOLDS = 10  # a tenth of the rows tests, a tenth validates, as in the one split of larger data


def splits(dataset: Dataset, repeat: int) -> tuple[Dataset, ...]:
    """FOLDS datasets of the same rows: the tests of all are every labelled row once, drawn evenly from each class.

    Rows without a label always train. The same rows in any order give the same splits.
    """
    rows = concatenated([dataset.train, dataset.validation, dataset.test])
    places = _places(rows, len(dataset.labels), repeat)
    found = []
    for fold in range(FOLDS):
        test, validation = places == fold, places == (fold + 1) % FOLDS
        parts = {"train": ~(test | validation), "validation": validation, "test": test}
        digest = hashlib.sha256(f"{dataset.fingerprint} {repeat} {fold}".encode()).hexdigest()
        found.append(
            replace(dataset, **{name: rows.take(mask) for name, mask in parts.items()}, fingerprint=digest)  # type: ignore[arg-type]
        )
    return tuple(found)


def whole(dataset: Dataset) -> Dataset:
    """The dataset whose test rows train too: for a student that other students were judged for.

    They stay its test rows as well: what is no statistic of rows, such as a latency, is measured with them.
    """
    digest = hashlib.sha256(f"{dataset.fingerprint} whole".encode()).hexdigest()
    return replace(dataset, train=concatenated([dataset.train, dataset.test]), fingerprint=digest)


def _places(rows: Rows, classes: int, repeat: int) -> np.typing.NDArray[np.int64]:
    """The fold of each row [N]; -1 without a label. Classes begin at folds of their own, so that folds are as large."""
    order = [hashlib.sha256(f"{repeat} {key}".encode()).hexdigest() for key in rows.keys.tolist()]
    places = np.full(len(rows), -1, np.int64)
    dealt = 0
    for label in range(classes):
        members = sorted(np.flatnonzero(rows.labels == label).tolist(), key=order.__getitem__)
        places[members] = (dealt + np.arange(len(members))) % FOLDS
        dealt += len(members)
    return places
