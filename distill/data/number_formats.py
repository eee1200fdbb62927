"""How a column writes its numbers: which marks part thousands and which decimals, and the sign or unit beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handler.modalities import numbers
from handler.modalities.numbers import COMMA, COMMA_GROUPS, CURRENCY, ENGLISH, GERMAN, POINT, POINT_GROUPS, Written

_CODE = re.compile(r"0\d+", re.ASCII)
_WITH_COMMA = re.compile(r"\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_WITH_POINT = re.compile(r"\d*\.\d*(?:[eE][+-]?\d+)?", re.ASCII)
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")
_SHOWN = 24  # characters of a cell's form


@dataclass(frozen=True)
class Numbers:
    """A column's cells read as numbers, and how they were written."""

    values: np.typing.NDArray[np.float32]  # NaN where a cell is no number, or too large for float32
    notation: str  # one of `numbers.NOTATIONS`
    unit: str  # the sign or unit beside the numbers, "" where they stand alone
    different: int  # before they were narrowed to float32
    decimal_commas: int
    grouped: int  # cells with marks between thousands
    marked: int  # cells with a sign or unit, a minus of another kind, or other digits
    formed: int  # cells that have the form of a number, with whatever unit
    units: tuple[str, ...]  # all there are, the commonest first; "" among them is a number alone
    unclear: int | None = None  # the first row of a column whose commas may part thousands or decimals alike


def read(cells: Sequence[str], hole: np.typing.NDArray[np.bool_]) -> Numbers:
    """Read cells [N], leaving out where `hole` [N] is true.

    What can be read in one way only, such as 1,234.50 or 1.234,50, decides for the column, and so does a decimal mark
    that is clear: beside 12.5 the comma of 1,234 parts thousands.
    """
    present = np.flatnonzero(~hole).tolist()
    forms = {cell: numbers.written(cell) for cell in {cells[row] for row in present}}
    found = {row: form for row in present if (form := forms[cells[row]]) is not None}
    units = Counter(form.unit for form in found.values())
    unit = _unit(units)
    taken = {row: form for row, form in found.items() if _belongs(form.unit, unit)}
    notation = _notation({form.body for form in taken.values()})
    # Commas that are all like 1,234 and no cell to tell by: a decimal comma, if a person says that these are numbers.
    unclear = [row for row, form in taken.items() if COMMA_GROUPS.fullmatch(form.body) and _marks(form.body) == 1]
    by_comma = [row for row, form in taken.items() if _WITH_COMMA.fullmatch(form.body)]
    is_unclear = notation == POINT and bool(unclear) and len(unclear) == len(by_comma)
    if is_unclear:
        notation = COMMA
    values = np.full(len(cells), np.nan, dtype=np.float64)
    for row, form in taken.items():
        number = numbers.value(form.body, notation)
        values[row] = np.nan if number is None else -number if form.negative else number
    values[np.abs(values) > np.finfo(np.float32).max] = np.nan
    with np.errstate(under="ignore"):
        narrow = values.astype(np.float32)
    bodies = [form.body for row, form in taken.items() if not np.isnan(values[row])]
    return Numbers(
        values=narrow,
        notation=notation,
        unit=unit,
        different=len(np.unique(values[~np.isnan(values)])),
        decimal_commas=sum(1 for body in bodies if notation != ENGLISH and _WITH_COMMA.fullmatch(body)),
        grouped=sum(1 for body in bodies if _is_grouped(body, notation)),
        marked=sum(1 for row, form in taken.items() if not np.isnan(values[row]) and _is_marked(cells[row], form)),
        formed=len(found),
        units=tuple(name for name, _ in units.most_common()),
        unclear=unclear[0] if is_unclear else None,
    )


def are_codes(words: Sequence[str], hole: np.typing.NDArray[np.bool_]) -> bool:
    """Whether these are digits that count nothing, as in 01067: some begin with a zero, and all are digits."""
    present = [word for word, empty in zip(words, hole, strict=True) if not empty]
    digits = all(word.isascii() and word.isdigit() for word in present)
    return digits and any(_CODE.fullmatch(word) for word in present)


def form_of(cell: str) -> str:
    """A cell's form without what it says: letters as a, digits as 9, each run once. "12h30" is "9a9"."""
    form = _DIGITS.sub("9", _LETTERS.sub("a", cell.strip()))
    return form if len(form) <= _SHOWN else f"{form[:_SHOWN]}…"


def is_mostly_digits(cell: str) -> bool:
    """Whether more of a cell is digits than letters, so that it may well be a number that is not read."""
    digits = sum(map(str.isdecimal, cell))
    return digits > sum(map(str.isalpha, cell))


def _unit(units: Counter[str]) -> str:
    """The unit of most cells; where those are numbers alone and the rest has one currency, that."""
    if not units:
        return ""
    most = units.most_common(1)[0][0]
    money = [unit for unit in units if unit in CURRENCY]
    return money[0] if most == "" and len(money) == 1 else most


def _belongs(found: str, unit: str) -> bool:
    """Money may stand without its sign here and there; 12 and 12 % are not the same."""
    return found == unit or (found == "" and unit in CURRENCY)


def _notation(bodies: set[str]) -> str:
    """How a column writes decimals and thousands, from the different numbers in it."""
    both = [body for body in bodies if "," in body and "." in body]
    english = any(COMMA_GROUPS.fullmatch(body) for body in both)
    german = any(POINT_GROUPS.fullmatch(body) for body in both)
    english |= any(body.count(",") > 1 and COMMA_GROUPS.fullmatch(body) for body in bodies)
    german |= any(body.count(".") > 1 and POINT_GROUPS.fullmatch(body) for body in bodies)
    commas = [body for body in bodies if _WITH_COMMA.fullmatch(body)]
    points = [body for body in bodies if _WITH_POINT.fullmatch(body)]
    clear_commas = any(not COMMA_GROUPS.fullmatch(body) for body in commas)
    clear_points = any(not POINT_GROUPS.fullmatch(body) for body in points)
    if english and german:  # no one convention: each cell for itself
        return POINT
    if english or (commas and not clear_commas and clear_points):
        return ENGLISH
    if german or (clear_commas and points and not clear_points):
        return GERMAN
    return COMMA if clear_commas and not points else POINT


def _marks(body: str) -> int:
    return body.count(",") + body.count(".")


def _is_grouped(body: str, notation: str) -> bool:
    if any(mark in body for mark in " '’"):
        return True
    comma, point = COMMA_GROUPS.fullmatch(body), POINT_GROUPS.fullmatch(body)
    clear = _marks(body) > 1
    return bool(comma and (clear or notation == ENGLISH) or point and (clear or notation == GERMAN))


def _is_marked(cell: str, form: Written) -> bool:
    """Whether more was read than the digits, their marks and a plain sign before them."""
    plain = cell.strip().lstrip("+-")
    return plain.replace("\u00a0", " ") != form.body and bool(form.unit or plain != form.body)
