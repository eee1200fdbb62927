"""Columns that give the label away: one column alone tells the class of rows that it was not fitted on.

A column is asked as the simplest of models: the commonest class of the rows with its value or, of a number that was not
seen, with the nearest. A hole is a value of its own, so that a column which is filled in for one class alone is found.
A column of another whole number in every row is also looked at by itself: do the rows of each class follow each other?
Test rows are not read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distill.data.keys import fold_of
from distill.data.rows import Dataset, Rows, concatenated
from distill.data.wording import listed
from distill.errors import DataError, nearest
from distill.recipe.rules import FILES, FOLDER
from distill.recipe.schema import Data

# Mean recall of the classes. On the sets of the proving ground no single column of two or more passes 0.96.
SEPARATES = 0.99
_FEWEST_ROWS = 20
_FOLDS = 5
_CELLS, _FEWEST_READ, _MOST_READ = 5_000_000, 1000, 5000  # rows of many columns are a sample
_HOPELESS = 0.9  # in the first fold
_SHOWN_COLUMNS = 12
_MANY_VALUES = 20  # as of customers

Numbers = np.typing.NDArray[np.int64]


@dataclass(frozen=True)
class Leak:
    """A column that tells the label by itself."""

    name: str
    score: float  # mean recall of the classes
    by_holes: bool  # whether it is enough to know if there is a value
    numbers_rows: bool  # whether it is another number in every row, and rows of a class follow each other
    repeats: bool  # whether its values are words that come back, and there are many


def check(dataset: Dataset, data: Data) -> tuple[str, ...]:
    """Notes on columns that tell the label by themselves and are confirmed, in data.columns or data.allow_leaks.

    A table of one column has no others, and a named set was looked at; neither is checked.

    Raises:
        DataError: columns that nobody confirmed, with their scores and what to write; or data.allow_leaks names a
            column that is no input.
    """
    names = [item.name for item in dataset.inputs]
    strange = [name for name in data.allow_leaks if name not in names]
    if strange:
        meant = f" Did you mean {near!r}?" if (near := nearest(strange[0], names)) else ""
        raise DataError(
            f"data.allow_leaks names {strange[0]!r}, which is no input.{meant} The inputs are {listed(names)}."
        )
    was_looked_at = data.source not in (*FILES, FOLDER) and data.path is None
    if was_looked_at or len(names) < 2:
        return ()
    known = {*(data.columns or ()), *data.allow_leaks}
    leaks = found(concatenated([dataset.train, dataset.validation]), names, len(dataset.labels))
    open_ones = [leak for leak in leaks if leak.name not in known]
    if open_ones:
        raise DataError(_refusal(open_ones, names, data))
    return tuple(f"{_said(leak)}; it is confirmed by the recipe" for leak in leaks)


def found(rows: Rows, names: Sequence[str], classes: int) -> list[Leak]:
    """The leaks among the columns of these names. Rows stand in parts, each in the order of its keys."""
    rows = rows.take(rows.labelled)
    most = max(_FEWEST_READ, min(_MOST_READ, _CELLS // len(names)))
    if len(rows) > most:
        rows = rows.take(np.argsort(rows.keys, kind="stable")[:most])
    if len(rows) < _FEWEST_ROWS:
        return []
    folds = fold_of(rows, _FOLDS)
    leaks = []
    for name in names:
        values = rows.columns[name]
        score = _score(values, rows.labels, folds, classes)
        in_blocks = _in_blocks(values, rows.labels)
        if max(score, in_blocks) >= SEPARATES:
            holes = (values == "") if values.dtype == object else np.isnan(values.astype(np.float32))
            alone = _score(holes.astype(np.float32), rows.labels, folds, classes)
            different = len(np.unique(values))
            leaks.append(
                Leak(
                    name,
                    score=max(score, in_blocks),
                    by_holes=alone >= SEPARATES,
                    numbers_rows=in_blocks >= SEPARATES,
                    repeats=values.dtype == object and _MANY_VALUES <= different <= len(rows) / 2,
                )
            )
    return leaks


def _score(values: np.typing.NDArray[np.generic], labels: Numbers, folds: Numbers, classes: int) -> float:
    """Mean recall of what the column alone says of each fold from the others; less where the first says enough."""
    places: Numbers = np.unique(values, return_inverse=True)[1].astype(np.int64)  # NaN is one value, the last
    levels = None if values.dtype == object else np.unique(values.astype(np.float64))
    said = np.full(len(labels), -1, np.int64)
    for fold in range(_FOLDS):
        asked = folds == fold
        if not asked.any() or asked.all():
            continue
        said[asked] = _told(places[~asked], labels[~asked], places[asked], levels, classes)
        if fold == 0 and _recall(said[asked], labels[asked]) < _HOPELESS:
            break
    return _recall(said, labels)


def _told(
    places: Numbers, labels: Numbers, asked: Numbers, levels: np.typing.NDArray[np.float64] | None, classes: int
) -> Numbers:
    """The class [M] for each of the values asked about. `levels`: the numbers that places stand for, or None."""
    pairs, counts = np.unique(places * classes + labels, return_counts=True)
    pairs = pairs[np.argsort(counts, kind="stable")]
    known = np.unique(places)
    best = np.empty(len(known), np.int64)
    best[np.searchsorted(known, pairs // classes)] = pairs % classes  # the last of a value, so the commonest, stays
    at = np.clip(np.searchsorted(known, asked), 0, len(known) - 1)
    if levels is None:
        commonest = int(np.bincount(labels, minlength=classes).argmax())
        return np.where(known[at] == asked, best[at], commonest)
    before = np.clip(at - 1, 0, len(known) - 1)
    with np.errstate(invalid="ignore"):
        is_nearer = np.abs(levels[known[before]] - levels[asked]) < np.abs(levels[known[at]] - levels[asked])
    # After the last number comes the hole, which is near nothing.
    is_nearer |= np.isnan(levels[known[at]]) & ~np.isnan(levels[asked])
    return np.where((known[at] != asked) & is_nearer, best[before], best[at])


def _recall(said: Numbers, labels: Numbers) -> float:
    """The mean over classes of how many of their rows are told."""
    support = np.bincount(labels)
    right = np.bincount(labels[said == labels], minlength=len(support))
    return float((right[support > 0] / support[support > 0]).mean())


def _in_blocks(values: np.typing.NDArray[np.generic], labels: Numbers) -> float:
    """How nearly a column of another whole number in every row has each class in one block, from 0 to 1.

    Of many classes of few rows, the nearest row is of the next class too often to tell by.
    """
    if values.dtype == object:
        return 0.0
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all() or (numbers != np.round(numbers)).any() or len(np.unique(numbers)) < len(numbers):
        return 0.0
    ordered = labels[np.argsort(numbers, kind="stable")]
    starts = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    present, rows = np.unique(ordered, return_counts=True)
    blocks = np.array([(starts == label).sum() for label in present])
    if len(present) > len(labels) / 5:
        return 0.0
    return float((1 - (blocks - 1) / np.maximum(1, rows - 1)).mean())  # of each class alike: a rare one is no accident


def _said(leak: Leak) -> str:
    how = "whether it is filled in" if leak.by_holes else "by itself"
    if leak.numbers_rows:
        return f"column {leak.name!r} tells the label, as it numbers rows that are sorted by class ({leak.score:.1%})"
    return f"column {leak.name!r} tells the label, {how}, of {leak.score:.1%} of rows it was not fitted on"


def _refusal(leaks: Sequence[Leak], names: Sequence[str], data: Data) -> str:
    said = "; ".join(_said(leak) for leak in leaks[:_SHOWN_COLUMNS])
    more = f"; and {len(leaks) - _SHOWN_COLUMNS} more" if len(leaks) > _SHOWN_COLUMNS else ""
    allowed = _toml([*data.allow_leaks, *(leak.name for leak in leaks)])
    others = [name for name in names if name not in {leak.name for leak in leaks}]
    listing = f" = {_toml(others)}" if 0 < len(others) <= _SHOWN_COLUMNS else ", without it"
    whose = next((leak.name for leak in leaks if leak.repeats), None) if data.group is None else None
    apart = "" if whose is None else f" If it says whose row it is, keep these together: data.group = {_toml(whose)}."
    return (
        f"{said[0].upper()}{said[1:]}{more}. Is it known when a prediction is wanted, and not made from the "
        f"answer, filled in after it, or left by a sorted file? Then confirm it: data.allow_leaks = {allowed}. "
        f"Otherwise list the columns to learn from: data.columns{listing}.{apart}"
    )


def _toml(value: object) -> str:
    """A name, or a list of names, as a recipe has it."""
    return json.dumps(value, ensure_ascii=False)
