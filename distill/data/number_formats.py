"""Numbers as people write them: a decimal comma, thousands parted by a comma, a point, a space or an apostrophe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_COMMA_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?", re.ASCII)
_POINT_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?", re.ASCII)
_OTHER_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(([ \u00a0\u2009\u202f'\u2019])\d{3})(\2\d{3})*([.,]\d+)?")
_OTHER_MARKS = str.maketrans("", "", " \u00a0\u2009\u202f'\u2019")
_CODE = re.compile(r"0\d+", re.ASCII)


@dataclass(frozen=True)
class Numbers:
    """A column's cells read as numbers, and how they were written."""

    values: np.typing.NDArray[np.float32]  # NaN where a cell is no number, or too large for float32
    different: int  # before they were narrowed to float32
    decimal_commas: int
    grouped: int  # cells with marks between thousands
    unclear: int | None = None  # the first row of a column whose commas may part thousands or decimals alike


def read(words: Sequence[str], hole: np.typing.NDArray[np.bool_]) -> Numbers:
    """Read words [N], leaving out where `hole` [N] is true.

    One cell that can be read in one way only, such as 1,234.50 or 1.234,50, decides how the column is read.
    """
    rows = np.flatnonzero(~hole).tolist()
    english = any(_COMMA_GROUPS.fullmatch(words[row]) and _marks(words[row]) > 1 for row in rows)
    german = any(_POINT_GROUPS.fullmatch(words[row]) and _marks(words[row]) > 1 for row in rows)
    if english and german:  # no one convention: each cell for itself
        english = german = False
    values = np.full(len(words), np.nan, dtype=np.float64)
    commas = grouped = 0
    unclear: list[int] = []
    for row in rows:
        number, marked = _number(words[row], english, german)
        values[row] = np.nan if number is None else float(number)
        grouped += marked
        if number is not None and not marked and "," in words[row]:
            commas += 1
            if _COMMA_GROUPS.fullmatch(words[row]) and not german:
                unclear.append(row)
    values[np.abs(values) > np.finfo(np.float32).max] = np.nan
    with np.errstate(under="ignore"):
        narrow = values.astype(np.float32)
    different = len(np.unique(values[~np.isnan(values)]))
    return Numbers(narrow, different, commas, grouped, unclear[0] if unclear and len(unclear) == commas else None)


def are_codes(words: Sequence[str], hole: np.typing.NDArray[np.bool_]) -> bool:
    """Whether these are digits that count nothing, as in 01067: some begin with a zero, and all are digits."""
    present = [word for word, empty in zip(words, hole, strict=True) if not empty]
    digits = all(word.isascii() and word.isdigit() for word in present)
    return digits and any(_CODE.fullmatch(word) for word in present)


def _marks(word: str) -> int:
    return word.count(",") + word.count(".")


def _number(word: str, english: bool, german: bool) -> tuple[str | None, bool]:
    """The number in Python's form, None if it is none, and whether marks between thousands were taken out."""
    if _OTHER_GROUPS.fullmatch(word):
        return word.translate(_OTHER_MARKS).replace(",", "."), True
    if _COMMA_GROUPS.fullmatch(word) and (english or _marks(word) > 1):
        return word.replace(",", ""), True
    if _POINT_GROUPS.fullmatch(word) and (german or _marks(word) > 1):
        return word.replace(".", "").replace(",", "."), True
    if _PLAIN.fullmatch(word):
        return (None if german and "." in word else word), False
    if _DECIMAL_COMMA.fullmatch(word):
        return (None if english else word.replace(",", ".")), False
    return None, False
