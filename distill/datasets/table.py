"""A file's cells before anyone has said what they mean: strings, with "" for what is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from distill.datasets.text import clean
from distill.errors import DataError

_LISTED = 20
_NAME_CHARACTERS = 40


@dataclass(frozen=True)
class Table:
    """N rows of strings. `lines` [N]: where each row begins in the file, for messages.

    Every cell is a str without lone surrogates; a missing cell is "".
    """

    where: str  # the file's name, for messages
    unit: str  # what `lines` counts: "line" or "row"
    columns: Mapping[str, npt.NDArray[np.object_]]
    lines: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)  # column -> why it cannot be read as cells

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def at(self, row: int) -> str:
        """Where row `row` (from 0) stands, in words."""
        return f"{self.unit} {self.lines[row]}"

    def column(self, name: str, role: str) -> npt.NDArray[np.object_]:
        """The column that the recipe calls `name`.

        Raises:
            DataError: there is none; the message names the nearest and lists what there is. Or its cells hold more
                than text and numbers.
        """
        name = clean(name)
        if name in self.unusable:
            raise DataError(f"{self.where}, column {name!r} ({role}): {self.unusable[name]}. Flatten it into columns.")
        if name in self.columns:
            return self.columns[name]
        near = nearest(name, list(self.columns))
        meant = f" Did you mean {near!r}?" if near else ""
        header = "" if self.unit == "row" else " Is the first line a header?"
        raise DataError(
            f"{self.where} has no column {name!r} ({role}).{meant} Its columns are {listed(self.columns)}.{header}"
        )


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name most like `name`, if any is: case and spaces do not count."""
    folded = {key.casefold().strip(): key for key in reversed(known)}
    found = difflib.get_close_matches(name.casefold().strip(), folded, n=1)
    return folded[found[0]] if found else None


def listed(names: Iterable[str]) -> str:
    """Names in quotes, the first twenty of them; a long one is cut, as it may be a value in a headless file."""
    every = list(names)
    short = [name if len(name) <= _NAME_CHARACTERS else f"{name[:_NAME_CHARACTERS]}…" for name in every[:_LISTED]]
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(map(repr, short)) + more


def counted(number: int, noun: str) -> str:
    """The number and its noun: "1 row", "2,000 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse a file in which two columns have one name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{where} has more than one column named {listed(twice)}. Rename all but one.")
