"""A dataset split again and again, so that each row is a test row once in every repeat."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from distill.data.keys import source_of
from distill.data.rows import Dataset, Rows, concatenated

FOLDS = 10  # a tenth of the rows tests, a tenth validates, as in the one split of larger data


def splits(dataset: Dataset, repeat: int) -> tuple[Dataset, ...]:
    """FOLDS datasets of the same rows: the tests of all are every labelled row once, drawn evenly from each class.

    A family stands in one part. Rows without a label train, but for those whose family is tested or validates. The same
    rows in any order give the same splits.
    """
    rows = concatenated([dataset.train, dataset.validation, dataset.test])
    places = _places(rows, len(dataset.labels), repeat)
    found = []
    for fold in range(FOLDS):
        test, validation = places == fold, places == (fold + 1) % FOLDS
        judging = {source_of(key) for key in rows.keys[test | validation].tolist()}
        away = np.array([source_of(key) in judging for key in rows.keys.tolist()], dtype=bool)
        parts = {"train": ~away, "validation": validation, "test": test}
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


def fewest_families(dataset: Dataset) -> int:
    """In how many families the class of the fewest stands: with fewer than FOLDS, some tests would lack it."""
    rows = concatenated([dataset.train, dataset.validation, dataset.test])
    return min(
        len({source_of(key) for key in rows.keys[rows.labels == label].tolist()})
        for label in range(len(dataset.labels))
    )


def _places(rows: Rows, classes: int, repeat: int) -> np.typing.NDArray[np.int64]:
    """The fold of each row [N]; -1 without a label. A family is of one fold.

    Class by class, each family goes where fewest rows of its classes are, large ones first. Classes begin at folds of
    their own, so that folds are as large.
    """
    families: dict[str, list[int]] = {}
    for row in np.flatnonzero(rows.labelled).tolist():
        families.setdefault(source_of(rows.keys[row]), []).append(row)
    of_class: list[list[list[int]]] = [[] for _ in range(classes)]
    for family in families.values():
        for label in np.unique(rows.labels[family]).tolist():
            of_class[label].append(family)

    def order(family: list[int]) -> tuple[int, str]:
        first = min(rows.keys[family].tolist())
        return -len(family), hashlib.sha256(f"{repeat} {first}".encode()).hexdigest()

    places = np.full(len(rows), -1, np.int64)
    totals = np.maximum(np.bincount(rows.labels[rows.labelled], minlength=classes), 1)
    held = np.zeros((FOLDS, classes))
    dealt = 0
    for members in of_class:
        turn = (np.arange(FOLDS) - dealt) % FOLDS
        for family in sorted(members, key=order):
            if places[family[0]] >= 0:
                continue
            counts = np.bincount(rows.labels[family], minlength=classes)
            fold = int(np.lexsort((turn, held @ (counts / totals)))[0])
            places[family] = fold
            held[fold] += counts
            dealt += len(family)
    return places
