"""What cannot be learned from is refused here, with what was found, where, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from distill.data.normalize import clean
from distill.data.split import PARTS
from distill.data.wording import counted
from distill.errors import DataError
from handler.modalities import levelling

MIN_ROWS_A_CLASS = 10
MAX_NUMERIC_CLASSES = 50
MAX_CLASSES = 1000
FEW_GROUPS = 10  # fewer say little of new ones
_SHOWN = 3
RESERVED = ("probabilities", "novelty")  # the graph's outputs
RESERVED_PREFIX = "limbeck/"  # everything inside the graph


def labels(raw: np.typing.NDArray[np.object_], where: str, are_names: bool = False) -> np.typing.NDArray[np.object_]:
    """The labels as cells of categories are read (`handler.modalities.levelling`); "" where there is none.

    `are_names`: whether they are classes for certain, though they be numbers, as the names of folders are.

    Raises:
        DataError: free numbers, a value for nearly every row, or labels that differ only in case.
    """
    read_as = {cell: levelling.label(clean(cell)) for cell in set(raw.tolist())}
    level = np.array([read_as[cell] for cell in raw.tolist()], dtype=object)
    spellings = Counter(filter(None, level.tolist()))
    different = len(spellings)
    rows = sum(spellings.values())
    numeric = sum(map(_is_number, spellings))
    sparse = different > MIN_ROWS_A_CLASS and different > rows / 2
    if not are_names and numeric > 0.9 * different and (different > MAX_NUMERIC_CLASSES or sparse):
        raise DataError(
            f"{where} holds {different:,} different numbers in {rows:,} rows: it looks like a number to predict, and "
            "Limbeck classifies. Name another column, or put the numbers into a few classes."
        )
    if different > MAX_CLASSES or sparse:
        raise DataError(
            f"{where} holds {different:,} different labels in {rows:,} rows: too many to learn. Is it the right column?"
        )
    _same_but_for_spelling(spellings, where)
    return level


def spelling_notes(raw: np.typing.NDArray[np.object_], labels: np.typing.NDArray[np.object_]) -> list[str]:
    """Notes on labels of which several cells were read as one, and on numbers whose ".0" was taken off."""
    cells: dict[str, set[str]] = {}
    for cell, label in sorted(set(zip(raw.tolist(), labels.tolist(), strict=True))):
        if label and cell.strip() != label:
            cells.setdefault(label, set()).add(cell)
    shown = [f"{min(found)!r} as {label!r}" for label, found in cells.items()]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return [f"labels are levelled, as categories are: {', '.join(shown[:_SHOWN])}{more}"] if shown else []


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _same_but_for_spelling(spellings: Counter[str], where: str) -> None:
    """Refuse "Spam" beside "spam", and 1.5 beside 1.50."""
    seen: dict[str, str] = {}
    for label in sorted(spellings):
        folded = label.casefold()
        if _is_number(folded) and "_" not in folded:
            folded = repr(float(folded))
        other = seen.setdefault(folded, label)
        if other != label:
            raise DataError(
                f"{where} holds the labels {other!r} ({counted(spellings[other], 'row')}) and {label!r} "
                f"({counted(spellings[label], 'row')}), which differ only in case or decimals. Write them alike."
            )


def label_notes(names: Sequence[str]) -> list[str]:
    """A class that is called like a hole may be one."""
    odd = [name for name in names if name.lower() in levelling.HOLES]
    return [f"the label {name!r} is taken as a class; leave the cell empty where a row has none" for name in odd]


def reserved(names: Sequence[str], where: str) -> None:
    """Refuse a column that is called like one of the graph's outputs, or like something inside it."""
    inside = f"what is inside the graph, where names begin with {RESERVED_PREFIX!r}"
    for name in names:
        if name in RESERVED or name.startswith(RESERVED_PREFIX):
            what = "the graph's output" if name in RESERVED else inside
            raise DataError(f"{where}: a column {name!r} would be mixed up with {what}. Rename it.")


def no_soft_columns(names: Sequence[str], prefix: str, labels: np.typing.NDArray[np.object_], where: str) -> None:
    """Refuse a teacher's probability as an input: nobody has it when a prediction is wanted."""
    known = set(filter(None, labels.tolist()))
    wrong = [name for name in names if name.startswith(prefix) and levelling.label(name.removeprefix(prefix)) in known]
    if wrong:
        raise DataError(f"{where}: {wrong[0]!r} holds a teacher's probabilities. Take it out of data.columns.")


def enough_rows(
    labels: np.typing.NDArray[np.object_], classes: Sequence[str], where: str, dropped: int = 0, sampled: bool = False
) -> None:
    """At least two classes, each with enough labelled rows for every part of the split.

    `dropped`: how many rows are gone already, because they repeat another's inputs. `sampled`: not all others are here.
    """
    counts = {label: int((labels == label).sum()) for label in classes}
    if not counts:
        raise DataError(f"{where}: no row has a label, wanted at least two classes. Fill the label column.")
    if len(counts) == 1:
        only = next(iter(counts))
        raise DataError(
            f"{where}: every labelled row has the label {only!r}, wanted at least two classes. "
            "Add rows of another class, or name another label column."
        )
    few = sorted((label, count) for label, count in counts.items() if count < MIN_ROWS_A_CLASS)
    if few:
        listed = ", ".join(f"{label!r} {count}" for label, count in few[:10])
        more = f" and {len(few) - 10} more" if len(few) > 10 else ""
        repeats = f" {counted(dropped, 'row')} repeat another row's inputs and were dropped first." if dropped else ""
        raise DataError(
            f"{where}: too few labelled rows in {len(few)} of {len(counts)} classes: {listed}{more}.{repeats} "
            f"Each class needs {MIN_ROWS_A_CLASS} that differ in their inputs, for training, validation and test. "
            + ("Raise data.max_rows." if sampled else "Add rows, merge these classes, or leave their rows out.")
        )


def are_groups_enough(
    labels: np.typing.NDArray[np.object_], groups: np.typing.NDArray[np.object_], where: str, wanted: bool
) -> bool:
    """Whether each class has rows of as many groups as there are parts.

    `groups`: "" for a row that is alone. `wanted`: whether the recipe says that they must be kept apart. A handful of
    groups are sites or domains, and may be split.

    Raises:
        DataError: they are not enough, and are wanted apart or more than a handful.
    """
    counts = {label: _groups(groups[labels == label]) for label in sorted({label for label in labels if label})}
    few = [(label, count) for label, count in counts.items() if count < len(PARTS)]
    if few and (wanted or _groups(groups) >= FEW_GROUPS):
        named = ", ".join(f"{label!r} {count}" for label, count in few[:10])
        more = f" and {len(few) - 10} more" if len(few) > 10 else ""
        raise DataError(
            f"{where} (data.group): too few groups with rows of {len(few)} of {len(counts)} classes: {named}{more}. "
            f"The rows of a group stay in one part, so each class needs {len(PARTS)} groups, for training, validation "
            "and test. Add groups, or set data.split_by_group = false: scores then hold for groups that training saw."
        )
    return not few


def _groups(of_rows: np.typing.NDArray[np.object_]) -> int:
    return len(set(of_rows.tolist()) - {""}) + int((of_rows == "").sum())


def every_part_has_every_class(
    labels: np.typing.NDArray[np.object_],
    part: np.typing.NDArray[np.object_],
    where: str,
    sampled: bool = False,
    by_group: bool = False,
) -> None:
    """A class that a part lacks can be neither learned nor judged there.

    `sampled`: not all rows were kept. `by_group`: whether groups had to stay whole.
    """
    move = "Move some in the split column, or take data.split out of the recipe and Limbeck splits."
    if by_group:
        move = (
            "The rows of a group (data.group) stay in one part: add groups, or set data.split_by_group = false, and "
            "the scores hold for groups that training saw."
        )
    classes = sorted({label for label in labels if label})
    for wanted in PARTS:
        lacking = [label for label in classes if not ((labels == label) & (part == wanted)).any()]
        if lacking:
            listed = ", ".join(map(repr, lacking[:10]))
            raise DataError(
                f"{where}: no labelled {wanted} row of {listed}. Every class needs rows in train, validation and test. "
                + ("Raise data.max_rows." if sampled else move)
            )
