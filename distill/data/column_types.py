"""What a table's columns are: numbers or categories, holes and all; and which carry nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from distill.data import number_formats
from distill.data.normalize import clean
from distill.data.readers.cells import Table
from distill.errors import DataError
from distill.privacy.disclosure import MIN_ROWS
from handler.bundle.contract import Input

Kind = Literal["number", "category"]

# How people and programs write "nothing here", in small letters.
HOLES = frozenset(
    {"", "na", "n/a", "n.a.", "nan", "-nan", "null", "none", "nil", "-", "--", "?", ".", "#n/a", "#na", "<na>", "nat"}
)
_MAX_STRAYS = 0.05  # share of words among numbers that is still an accident
_DATE = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))([T ]\d{1,2}:.*)?", re.ASCII)
_WITH_UNIT = re.compile(
    r"[+-]?\d[\d.,]*\s?([%‰€$£¥°]|°[CF]|[kmcµ]?[gml]|EUR|USD|GBP|CHF)|([€$£¥]|EUR|USD|GBP|CHF)\s?[+-]?\d[\d.,]*"
)
_WHOLE = re.compile(r"[+-]?\d+\.0+", re.ASCII)
_MOST = 0.9  # share of cells that says what a column is
ROW_NUMBER = "it only numbers the rows"
IDENTIFIER = "it looks like an identifier, another whole number in every row"
WITH_UNIT = "its numbers stand with a sign or unit, as in 12 % or € 12: write the number alone"
_IDENTIFIER = re.compile(r"(^|[\W_])(id|uid|uuid|index|key|no|nr)$|(?-i:[a-z]I[dD]$)", re.IGNORECASE)
_MIN_RUN = 20  # rows from which 1, 2, 3 ... is a row number and no accident


@dataclass(frozen=True)
class Column:
    """One input, read: float32 [N] with NaN for a hole, or object [N] of str with "" for a hole."""

    name: str
    kind: Kind
    values: np.typing.NDArray[np.generic]
    notes: tuple[str, ...] = ()
    useless: str | None = None  # why nothing can be learned from it

    @property
    def input(self) -> Input:
        """The graph input that takes it."""
        return Input(self.name, "float32" if self.kind == "number" else "string", self.kind)


def read(table: Table, name: str, kind: Kind | None = None) -> Column:
    """Read a column as `kind`, or as what its cells say.

    Numbers are numbers also when there are few different ones. A few words among numbers are holes.

    Raises:
        DataError: numbers and words are so mixed that a person has to say which it is.
    """
    cells = table.column(name, "data.columns")
    words = [clean(cell).strip() for cell in cells]
    hole = np.array([word.lower() in HOLES for word in words], dtype=bool)
    if kind == "category":
        return _category(name, words, hole)
    if kind is None and number_formats.are_codes(words, hole):
        keep = f'set data.types."{name}" = "number" if it counts something'
        return _category(name, words, hole, (f"column {name!r}: digits that begin with 0 are read as codes; {keep}",))
    numbers = number_formats.read(words, hole)
    strays = np.flatnonzero(~hole & np.isnan(numbers.values))
    filled = int((~hole).sum())
    if kind is None and not _numeric(table, name, words, numbers, strays, filled):
        return _category(name, words, hole)
    column = _number(table, name, numbers, strays, hole)
    return column if column.useless or kind else replace(column, useless=_row_number(name, column.values))


def _numeric(
    table: Table,
    name: str,
    words: Sequence[str],
    numbers: number_formats.Numbers,
    strays: np.typing.NDArray[np.int64],
    filled: int,
) -> bool:
    """Whether a column without a declared type is numbers, or an error where only a person can tell."""
    where = f"{table.where}, column {name!r}"
    decide = f'Set data.types."{name}" = "number" (what is no number is then a hole) or "category".'
    if not filled:
        return False
    if numbers.unclear is not None:
        raise DataError(
            f"{where} writes numbers with a comma ({table.at(numbers.unclear)}) that may part thousands or decimals. "
            "Write 1234.5 in place of 1,234.5 or 1234,5; or, where it is a decimal comma, "
            f'set data.types."{name}" = "number".'
        )
    share = len(strays) / filled
    if share <= _MAX_STRAYS or len({words[row] for row in strays}) == 1 and share < 0.5:
        return True
    if share < 0.5:
        raise DataError(
            f"{where} mixes numbers and words: {filled - len(strays):,} cells are numbers, {len(strays):,} are not, "
            f"the first in {table.at(int(strays[0]))}. {decide}"
        )
    return False


def _number(
    table: Table,
    name: str,
    numbers: number_formats.Numbers,
    strays: np.typing.NDArray[np.int64],
    hole: np.typing.NDArray[np.bool_],
) -> Column:
    first = "".join(table.at(row) for row in strays[:1].tolist())
    missing = f"{len(strays):,} of {int((~hole).sum()):,} cells are no numbers, the first in {first}"
    notes = (
        (len(strays), f"column {name!r}: {missing}; they count as missing"),
        (numbers.decimal_commas, f"column {name!r}: {numbers.decimal_commas:,} decimal commas read as points"),
        (numbers.grouped, f"column {name!r}: marks between thousands taken out of {numbers.grouped:,} cells"),
    )
    said = tuple(note for cells, note in notes if cells)
    present = numbers.values[~np.isnan(numbers.values)]
    return Column(name, "number", numbers.values, said, _useless_number(present, numbers.different))


def _useless_number(present: np.typing.NDArray[np.float32], different: int) -> str | None:
    if not len(present):
        return "it holds no number"
    if (present != present[0]).any():
        return None
    if different > 1:
        return "its numbers are too large for 32-bit floating point to tell apart: write how far they differ"
    return "it holds the same number in every row"


def _row_number(name: str, values: np.typing.NDArray[np.generic]) -> str | None:
    """Whether a column that nobody declared a number tells rows apart and nothing else."""
    different = np.unique(values.astype(np.float64))  # NaN counts once
    if len(different) < len(values) or len(values) < _MIN_RUN or (different != np.round(different)).any():
        return None
    if different[0] in (0, 1) and (np.diff(different) == 1).all():
        return ROW_NUMBER
    return IDENTIFIER if _IDENTIFIER.search(name) else None


def _category(name: str, words: Sequence[str], hole: np.typing.NDArray[np.bool_], said: tuple[str, ...] = ()) -> Column:
    present = Counter(word for word, empty in zip(words, hole, strict=True) if not empty)
    if {word.lower() for word in present} <= {"true", "false"}:
        words = [word.lower() for word in words]  # as JSON, and so a request, writes them
    elif present and all(_WHOLE.fullmatch(word) for word in present):
        words = [word.split(".")[0] for word in words]  # whole numbers among holes, as pandas writes them: 7 is 7.0
        present = Counter(word for word, empty in zip(words, hole, strict=True) if not empty)
    values = np.array(["" if empty else word for word, empty in zip(words, hole, strict=True)], dtype=object)
    marks = sum(1 for word, empty in zip(words, hole, strict=True) if empty and word)
    notes = (
        (marks > 0, f"column {name!r}: {marks:,} cells that say n/a, ? or the like count as missing: send null"),
        (_mostly(_WITH_UNIT, present), f"column {name!r} is read as categories: {WITH_UNIT}"),
        (
            _mostly(_DATE, present),
            f"column {name!r} holds dates, and a day that is past teaches nothing about one to come: "
            "make a month or a number of days of it, or take it out",
        ),
    )
    said = (*said, *(note for applies, note in notes if applies))
    return Column(name, "category", values, said, _useless_category(present, bool(hole.any())))


def _useless_category(present: Counter[str], holes: bool) -> str | None:
    if not present:
        return "it is empty"
    if len(present) == 1 and not holes:
        return "it holds the same value in every row"
    if max(present.values()) < MIN_ROWS:
        if _mostly(_WITH_UNIT, present):
            return WITH_UNIT
        return f"no value of it occurs in {MIN_ROWS} rows, as in names, dates or free text"
    return None


def _mostly(form: re.Pattern[str], present: Counter[str]) -> bool:
    """Whether nearly all different values have this form."""
    return sum(1 for word in present if form.fullmatch(word)) > _MOST * len(present)
