"""A teacher's probabilities that stand in columns of the file, as an LLM may have given them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distill.data.column_types import HOLES
from distill.data.readers.cells import Table
from distill.data.wording import counted, listed
from distill.errors import DataError, nearest

TOLERANCE = 0.02  # rounding that is mended: a row's sum may be this far from 1


def read(table: Table, prefix: str | None, names: Sequence[str]) -> np.typing.NDArray[np.float32] | None:
    """Columns `prefix` + label as float32 [N,K], in the order of `names`; NaN in a row that has a hole.

    Raises:
        DataError: a label without its column or a column without its label, a cell that is no number of 0 or more,
            a row that does not sum to 1, or no whole row at all.
    """
    if prefix is None:
        return None
    _check_names(table, prefix, names)
    given = np.stack([_numbers(table, prefix + name) for name in names], axis=1)
    whole = np.asarray(~np.isnan(given).any(axis=1))
    where = f"{table.where}, columns {prefix}…"
    if not whole.any():
        raise DataError(f"{where}: no row has all its probabilities. Fill them in, or take data.soft_label_prefix out.")
    sums = np.where(whole, given.sum(axis=1), 1.0)
    off = np.flatnonzero(np.abs(sums - 1) > TOLERANCE)
    if len(off):
        others = [name for name in table.columns if name.startswith(prefix) and name.removeprefix(prefix) not in names]
        # It may be a class that no row is labelled with.
        too = f" {listed(others)} too begins with {prefix!r}, and no row has that label." if others else ""
        raise DataError(
            f"{where} do not sum to 1 (within {TOLERANCE}) in {counted(len(off), 'row')}, "
            f"first in {table.at(int(off[0]))}. "
            f"Give probabilities, or leave the row's cells empty.{too}"
        )
    return np.where(whole[:, None], given / sums[:, None], np.nan).astype(np.float32)


def _check_names(table: Table, prefix: str, names: Sequence[str]) -> None:
    found = [column for column in table.columns if column.startswith(prefix)]
    wanted = ", ".join(repr(prefix + name) for name in names[:10])
    if not found:
        raise DataError(
            f"{table.where} has no column that begins with {prefix!r} (data.soft_label_prefix), wanted {wanted}. "
            f"Its columns are {listed(table.columns)}."
        )
    for name in names:
        if prefix + name not in table.columns:
            near = nearest(prefix + name, [column for column in found if column.removeprefix(prefix) not in names])
            meant = f" Is {near!r} meant? Write it as the label is written." if near else ""
            raise DataError(
                f"{table.where} has no column {prefix + name!r} with the probabilities of the label {name!r} "
                f"(data.soft_label_prefix).{meant} Wanted a column a label: {wanted}."
            )


def _numbers(table: Table, name: str) -> np.typing.NDArray[np.float64]:
    values = np.full(len(table), np.nan)
    for row, cell in enumerate(table.columns[name]):
        word = cell.strip()
        if word.lower() in HOLES:
            continue
        try:
            value = float(word)
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise DataError(
                f"{table.where}, column {name!r}: {table.at(row)} holds no number of 0 or more. Correct it."
            )
        values[row] = value
    return values
