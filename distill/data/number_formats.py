"""How a column writes its numbers: which marks part thousands and which decimals, and the sign or unit beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from handler.modalities import numbers
from handler.modalities.numbers import (
    COMMA,
    COMMA_GROUPS,
    CURRENCY,
    DECIMAL_COMMA,
    EITHER,
    ENGLISH,
    GERMAN,
    PLAIN,
    POINT,
    POINT_GROUPS,
    Written,
)

_CODE = re.compile(r"0\d+", re.ASCII)
_WITH_POINT = re.compile(r"\d*\.\d*(?:[eE][+-]?\d+)?", re.ASCII)
_RUNS = re.compile(r"([a9])\1+")
_WITHOUT_DECIMALS = frozenset({"¥", "JPY", "₩", "₫", "円", "원"})
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
    too_large: int  # cells that float32 cannot hold
    is_named: bool  # whether the unit is letters, as of 4WD: a word among them is a name too
    # The first row of a column whose commas or points may part thousands or decimals alike.
    unclear: int | None = None


def read(cells: Sequence[str], hole: np.typing.NDArray[np.bool_]) -> Numbers:
    """Read cells [N], leaving out where `hole` [N] is true.

    What can be read in one way only, such as 1,234.50 or 1.234,50, decides for the column, and so does a decimal mark
    that is clear: beside 12.5 the comma of 1,234 parts thousands.
    """
    if (plain := _plain(cells, hole)) is not None:
        return plain
    present = np.flatnonzero(~hole).tolist()
    forms = {cell: numbers.written(cell) for cell in {cells[row] for row in present}}
    found = {row: form for row in present if (form := forms[cells[row]]) is not None}
    units = Counter(form.unit for form in found.values())
    unit = _unit(units)
    taken = {row: form for row, form in found.items() if numbers.is_unit(form.unit, unit)}
    notation = _notation({form.body for form in taken.values()}, unit)
    unclear = _unclear(taken, notation)
    if unclear is not None and "," in taken[unclear].body:
        notation = COMMA  # if a person says that these are numbers
    values = np.full(len(cells), np.nan, dtype=np.float64)
    for row, form in taken.items():
        number = numbers.value(form.body, notation)
        values[row] = np.nan if number is None else -number if form.negative else number
    narrow, too_large = _narrow(values)
    bodies = [form.body for row, form in taken.items() if not np.isnan(values[row])]
    return Numbers(
        values=narrow,
        notation=notation,
        unit=unit,
        different=len(np.unique(values[~np.isnan(values)])),
        decimal_commas=sum(1 for body in bodies if notation != ENGLISH and DECIMAL_COMMA.fullmatch(body)),
        grouped=sum(1 for body in bodies if _is_grouped(body, notation)),
        marked=sum(1 for row, form in taken.items() if not np.isnan(values[row]) and _is_marked(cells[row], form)),
        formed=len(found),
        units=tuple(sorted(units, key=lambda name: (-units[name], name))),
        too_large=too_large,
        is_named=unit.isalpha() and unit not in CURRENCY,
        unclear=unclear,
    )


def _plain(cells: Sequence[str], hole: np.typing.NDArray[np.bool_]) -> Numbers | None:
    """The column where every number in it is as programs write it, and clear: the usual one, read the short way."""
    held = [cell for cell, empty in zip(cells, hole.tolist(), strict=True) if not empty]
    if not held or not all(map(PLAIN.fullmatch, held)):
        return None
    points = [cell.lstrip("+-") for cell in held if "." in cell]
    if points and all(map(POINT_GROUPS.fullmatch, points)):
        return None
    values = np.full(len(cells), np.nan)
    values[~hole] = np.array(held, dtype=np.float64)
    narrow, too_large = _narrow(values)
    different = len(np.unique(values[~np.isnan(values)]))
    return Numbers(narrow, POINT, "", different, 0, 0, 0, len(held), ("",), too_large, is_named=False)


def _narrow(values: np.typing.NDArray[np.float64]) -> tuple[np.typing.NDArray[np.float32], int]:
    """As float32, and how many it cannot hold: they are holes, in `values` too."""
    with np.errstate(invalid="ignore", under="ignore"):
        too_large = np.abs(values) > np.finfo(np.float32).max
        values[too_large] = np.nan
        return values.astype(np.float32), int(too_large.sum())


def are_codes(words: Sequence[str], hole: np.typing.NDArray[np.bool_]) -> bool:
    """Whether these are digits that count nothing, as in 01067: some begin with a zero, and no number has more.

    A few words among them, as in D-80331, make them no numbers.
    """
    present = [word for word, empty in zip(words, hole, strict=True) if not empty]
    different = set(present)
    if not any(_CODE.fullmatch(word) for word in different):
        return False
    digits = {word for word in different if word.isascii() and word.isdigit()}
    return sum(word in digits for word in present) > len(present) / 2 and not any(
        numbers.written(word) for word in different - digits
    )


def form_of(cell: str) -> str:
    """A cell's form without what it says: letters as a, digits as 9, each run once. "12h30" is "9a9"."""
    marks = ("a" if mark.isalpha() else "9" if mark.isdecimal() else mark for mark in cell.strip())
    form = _RUNS.sub(r"\1", "".join(marks))
    return form if len(form) <= _SHOWN else f"{form[:_SHOWN]}…"


def has_number(cell: str) -> bool:
    """Whether a cell that is not read as a number holds one: digits, a fraction as one character, infinity."""
    return any(map(str.isnumeric, cell)) or "∞" in cell or cell.lower().lstrip("+-") in ("inf", "infinity")


def is_mostly_digits(cell: str) -> bool:
    """Whether a cell has digits and no letters, so that it may well be a number that is not read."""
    return any(map(str.isdecimal, cell)) and not any(map(str.isalpha, cell))


def _unit(units: Counter[str]) -> str:
    """The unit of most cells; where those are numbers alone and the rest has one currency, that."""
    if not units:
        return ""
    most = min(units, key=lambda unit: (-units[unit], unit))  # of two that are as common, whatever the order of rows
    money = [unit for unit in units if unit in CURRENCY]
    return money[0] if most == "" and len(money) == 1 else most


def _notation(bodies: set[str], unit: str) -> str:
    """How a column writes decimals and thousands, from the different numbers in it and their unit."""
    both = [body for body in bodies if "," in body and "." in body]
    english = any(COMMA_GROUPS.fullmatch(body) for body in both)
    german = any(POINT_GROUPS.fullmatch(body) for body in both)
    english |= any(body.count(",") > 1 and COMMA_GROUPS.fullmatch(body) for body in bodies)
    german |= any(body.count(".") > 1 and POINT_GROUPS.fullmatch(body) for body in bodies)
    spaced = any(mark in body for body in bodies for mark in " '’")  # these part thousands, so commas do not
    commas = [body for body in bodies if DECIMAL_COMMA.fullmatch(body)]
    points = [body for body in bodies if _WITH_POINT.fullmatch(body)]
    clear_commas = spaced or any(not COMMA_GROUPS.fullmatch(body) for body in commas)
    clear_points = spaced or any(not POINT_GROUPS.fullmatch(body) for body in points)
    if english and german:  # no one convention: each cell for itself
        return EITHER
    if english or (commas and not clear_commas and (clear_points or unit in _WITHOUT_DECIMALS)):
        return ENGLISH
    if german or (points and not clear_points and (clear_commas or unit in _WITHOUT_DECIMALS)):
        return GERMAN
    return COMMA if commas and clear_commas and not points else POINT


def _unclear(taken: Mapping[int, Written], notation: str) -> int | None:
    """The first number whose mark may part thousands or decimals, where no other number tells.

    All commas are as in 1,234; or all points as in 1.234, beside numbers up to 999 that have none, as 950.
    """
    by_mark: dict[str, list[int]] = {",": [], ".": []}
    for row, form in taken.items():
        for mark, rows in by_mark.items():
            if mark in form.body:
                rows.append(row)
    by_comma, by_point = by_mark[","], by_mark["."]
    if notation != POINT:
        return None
    if by_comma and all(COMMA_GROUPS.fullmatch(taken[row].body) for row in by_comma):
        return by_comma[0]
    if by_point and not by_comma and all(POINT_GROUPS.fullmatch(taken[row].body) for row in by_point):
        whole = [form.body for form in taken.values() if form.body.isdigit()]
        if whole and all(len(body) <= 3 for body in whole) and any(body != "0" for body in whole):
            return by_point[0]
    return None


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
