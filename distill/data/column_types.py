"""What a table's columns are: numbers or categories, holes and all; and which carry nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from distill.data import number_formats
from distill.data.readers.cells import Table
from distill.data.wording import counted
from distill.errors import DataError
from distill.privacy.disclosure import MIN_ROWS
from handler.bundle.contract import Input
from handler.modalities import levelling

Kind = Literal["number", "category"]

_MAX_STRAYS = 0.05  # share of words among numbers that is still an accident
_DATE = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))([T ]\d{1,2}:.*)?", re.ASCII)
_MOST = 0.9  # share of cells that says what a column is
ROW_NUMBER = "it only numbers the rows"
IDENTIFIER = "it looks like an identifier, another whole number in every row"
_MOST_MISSING = 8  # words for "missing" that a request may use too
_MAX_UNREAD = 0.005  # share of cells with digits among numbers that is still an accident
_FORMS_SHOWN = 3
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
    notation: str = ""  # these three as in `handler.bundle.contract.Input`
    unit: str = ""
    missing: tuple[str, ...] = ()

    @property
    def input(self) -> Input:
        """The graph input that takes it."""
        dtype = "float32" if self.kind == "number" else "string"
        return Input(self.name, dtype, self.kind, self.notation, self.unit, self.missing)


def read(table: Table, name: str, kind: Kind | None = None) -> Column:
    """Read a column as `kind`, or as what its cells say.

    Numbers are numbers also when there are few different ones. A few words among numbers are holes.

    Raises:
        DataError: numbers and words, or numbers of different units, are so mixed that a person has to say which it is.
    """
    cells = table.column(name, "data.columns").tolist()
    read_as = {cell: levelling.word(cell) for cell in set(cells)}
    words = [read_as[cell] for cell in cells]
    hole = np.array([not word for word in words], dtype=bool)
    marks = sum(1 for cell, word in zip(cells, words, strict=True) if cell.strip() and not word)
    if kind == "category":
        return _category(name, words, marks)
    if kind is None and number_formats.are_codes(words, hole):
        keep = f'set data.types."{name}" = "number" if it counts something'
        return _category(name, words, marks, (f"column {name!r}: digits that begin with 0 are read as codes; {keep}",))
    numbers = number_formats.read(cells, hole)
    strays = np.flatnonzero(~hole & np.isnan(numbers.values))
    filled = int((~hole).sum())
    if kind is None and not _numeric(table, name, words, numbers, strays, filled):
        return _category(name, words, marks, _unread(name, numbers, [words[row] for row in strays.tolist()], filled))
    column = _number(table, name, words, numbers, strays, filled)
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
    if share >= 0.5:
        return False
    found = f"{counted(filled - len(strays), 'cell')} {'is a number' if filled - len(strays) == 1 else 'are numbers'}"
    first = f"{len(strays):,} are not, the first in {table.at(int(strays[0]))}" if len(strays) else ""
    digits = [words[row] for row in strays.tolist() if any(map(str.isdecimal, words[row]))]
    if len(digits) > max(2, _MAX_UNREAD * filled):
        if len(numbers.units) > 1:
            units = _units(numbers)
            raise DataError(
                f"{where} writes numbers with different signs or units ({units}): {found} with the first of these, "
                f"{first}. Write all with one. {decide}"
            )
        raise DataError(
            f"{where} mixes numbers and cells that may be numbers in a form that is not read ({_forms(digits)}): "
            f"{found}, {first}. Write them as -1234.5. {decide}"
        )
    if share <= _MAX_STRAYS or len({words[row] for row in strays.tolist()}) == 1:
        return True
    raise DataError(f"{where} mixes numbers and words: {found}, {first}. {decide}")


def _unread(name: str, numbers: number_formats.Numbers, strays: Sequence[str], filled: int) -> tuple[str, ...]:
    """What to say of a column of categories that may be numbers in a form that is not read."""
    digits = [word for word in strays if number_formats.is_mostly_digits(word)]
    if len(numbers.units) > 1 and numbers.formed > _MOST * filled:
        units = f"different signs or units ({_units(numbers)})"
        return (f"column {name!r} is read as categories: its numbers have {units}",)
    if len(digits) <= filled / 2 or _mostly(_DATE, Counter(digits)):
        return ()
    return (
        f"column {name!r} is read as categories: most cells are digits, in a form that is not read as a number "
        f"({_forms(digits)}); write 1234.5 or -1234.5 if they count something",
    )


def _units(numbers: number_formats.Numbers) -> str:
    return ", ".join(repr(unit) if unit else "none" for unit in numbers.units[:_FORMS_SHOWN])


def _forms(words: Sequence[str]) -> str:
    """The commonest forms of cells, which say nothing of what stands in them."""
    common = Counter(map(number_formats.form_of, words)).most_common(_FORMS_SHOWN)
    return ", ".join(repr(form) for form, _ in common)


def _number(
    table: Table,
    name: str,
    words: Sequence[str],
    numbers: number_formats.Numbers,
    strays: np.typing.NDArray[np.int64],
    filled: int,
) -> Column:
    first = "".join(table.at(row) for row in strays[:1].tolist())
    unread = [words[row] for row in strays.tolist()]
    missing = f"{len(strays):,} of {filled:,} cells are no numbers, the first in {first}"
    digits = [word for word in unread if any(map(str.isdecimal, word))]
    unit = f"; its numbers are in {numbers.unit!r}, and so are those of a request" if numbers.unit else ""
    notes = (
        (len(strays), f"column {name!r}: {missing}; they count as missing"),
        (len(digits), f"column {name!r}: some of those have digits, of the form {_forms(digits)}"),
        (numbers.decimal_commas, f"column {name!r}: {numbers.decimal_commas:,} decimal commas read as points"),
        (numbers.grouped, f"column {name!r}: marks between thousands taken out of {numbers.grouped:,} cells"),
        (numbers.marked, f"column {name!r}: the number alone is read of {numbers.marked:,} cells{unit}"),
    )
    often = [
        (word, rows)
        for word, rows in Counter(word for word in unread if not any(map(str.isdecimal, word))).most_common()
        if rows >= MIN_ROWS
    ]
    present = numbers.values[~np.isnan(numbers.values)]
    return Column(
        name,
        "number",
        numbers.values,
        tuple(note for cells, note in notes if cells),
        _useless_number(present, numbers.different),
        numbers.notation,
        numbers.unit,
        tuple(sorted(word for word, _ in often[:_MOST_MISSING])),
    )


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


def _category(name: str, words: Sequence[str], marks: int, said: tuple[str, ...] = ()) -> Column:
    """`marks`: how many cells say that nothing is there."""
    present = Counter(filter(None, words))
    notes = (
        (marks > 0, f"column {name!r}: {marks:,} cells that say n/a, ? or the like count as missing: send null"),
        (
            _mostly(_DATE, present),
            f"column {name!r} holds dates, and a day that is past teaches nothing about one to come: "
            "make a month or a number of days of it, or take it out",
        ),
    )
    said = (*said, *(note for applies, note in notes if applies))
    useless = _useless_category(present, has_holes=sum(present.values()) < len(words))
    return Column(name, "category", np.array(words, dtype=object), said, useless, levelling.LEVELLED)


def _useless_category(present: Counter[str], has_holes: bool) -> str | None:
    if not present:
        return "it is empty"
    if len(present) == 1 and not has_holes:
        return "it holds the same value in every row"
    if max(present.values()) < MIN_ROWS:
        return f"no value of it occurs in {MIN_ROWS} rows, as in names, dates or free text"
    return None


def _mostly(form: re.Pattern[str], present: Counter[str]) -> bool:
    """Whether nearly all different values have this form."""
    return sum(1 for word in present if form.fullmatch(word)) > _MOST * len(present)
