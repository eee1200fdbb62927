"""A source's cells before anyone has said what they mean: strings, with "" for what is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from distill.data.normalize import column_name
from distill.data.wording import listed
from distill.errors import DataError, nearest


@dataclass(frozen=True)
class Table:
    """N rows of strings. `lines` [N]: where each row begins in the file, or its name in the folder, for messages.

    Every cell is a str without lone surrogates; a missing cell is "".
    """

    where: str  # the name of the file or folder, for messages
    unit: str  # what `lines` counts: "line" or "row", or names: "file"
    columns: Mapping[str, np.typing.NDArray[np.object_]]
    lines: np.typing.NDArray[np.int64] | np.typing.NDArray[np.object_]
    notes: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)  # column -> why it cannot be read, and what to do
    parts: tuple[str, ...] = ()  # paths into columns of objects, as in user.age: they can be asked for
    hint: str = ""  # what may be wrong where a column is not found
    folder: Path = Path()  # where paths in cells begin
    roles: Mapping[str, str] = field(default_factory=dict)  # key of the data section -> the column that is no choice
    # Column -> its cells [N] as bytes (`distill.data.encoded`), "" for what is missing: read only where asked for.
    encoded: Mapping[str, np.typing.NDArray[np.object_]] = field(default_factory=dict)
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # column of their places -> the classes

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def at(self, row: int) -> str:
        """Where row `row` (from 0) stands, in words."""
        return f"{self.unit} {self.lines[row]}"

    def column(self, name: str, role: str) -> np.typing.NDArray[np.object_]:
        """The column that the recipe calls `name`.

        Raises:
            DataError: there is none; the message names the nearest and lists what there is. Or its cells hold more
                than text and numbers.
        """
        name = column_name(name)
        if name in self.unusable:
            raise DataError(f"{self.where}, column {name!r} ({role}): {self.unusable[name]}.")
        if name in self.columns:
            return self.columns[name]
        near = nearest(name, [*self.columns, *self.encoded, *self.parts])
        meant = f" Did you mean {near!r}?" if near else ""
        others = [other for other in self.unusable if other not in self.columns]
        unread = f" {listed(others)} cannot be read." if others else ""
        there = f" Its columns are {listed(self.columns)}." if self.columns else ""
        raise DataError(f"{self.where} has no column {name!r} ({role}).{meant}{there}{unread}{self.hint}")


def check_names(names: Sequence[str], where: str, hint: str = "") -> None:
    """Refuse a file in which two columns have one name. `hint`: what else may be wrong."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{where} has more than one column named {listed(twice)}. Rename all but one.{hint}")
