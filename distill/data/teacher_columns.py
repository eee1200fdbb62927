"""A teacher's probabilities that stand in columns of the file, as an LLM may have given them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from distill.data import number_formats
from distill.data.readers.cells import Table
from distill.data.wording import counted, listed
from distill.errors import DataError, nearest
from handler.modalities import levelling

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
    columns = by_label(table.columns, prefix)
    given = _numbers(table, [columns[name] for name in names])
    whole = np.asarray(~np.isnan(given).any(axis=1))
    where = f"{table.where}, columns {prefix}…"
    if not whole.any():
        raise DataError(f"{where}: no row has all its probabilities. Fill them in, or take data.soft_label_prefix out.")
    sums = np.where(whole, given.sum(axis=1), 1.0)
    off = np.flatnonzero(np.abs(sums - 1) > TOLERANCE)
    if len(off):
        others = [column for label, column in columns.items() if label not in names]
        # It may be a class that no row is labelled with.
        too = f" {listed(others)} too begins with {prefix!r}, and no row has that label." if others else ""
        raise DataError(
            f"{where} do not sum to 1 (within {TOLERANCE}) in {counted(len(off), 'row')}, "
            f"first in {table.at(int(off[0]))}. "
            f"Give probabilities, or leave the row's cells empty.{too}"
        )
    return np.where(whole[:, None], given / sums[:, None], np.nan).astype(np.float32)


def by_label(columns: Iterable[str], prefix: str) -> dict[str, str]:
    """Label -> the column `prefix` + label. A label in a column's name is read as one in a cell is."""
    return {levelling.label(column.removeprefix(prefix)): column for column in columns if column.startswith(prefix)}


def of(columns: Iterable[str], prefix: str | None, labels: Iterable[str]) -> set[str]:
    """The columns that hold a teacher's probabilities of these labels."""
    known = set(labels)
    return (
        set() if prefix is None else {column for label, column in by_label(columns, prefix).items() if label in known}
    )


def _check_names(table: Table, prefix: str, names: Sequence[str]) -> None:
    found = by_label(table.columns, prefix)
    wanted = ", ".join(repr(prefix + name) for name in names[:10])
    if not found:
        raise DataError(
            f"{table.where} has no column that begins with {prefix!r} (data.soft_label_prefix), wanted {wanted}. "
            f"Its columns are {listed(table.columns)}."
        )
    for name in names:
        if name not in found:
            near = nearest(prefix + name, [column for label, column in found.items() if label not in names])
            meant = f" Is {near!r} meant? Write it as the label is written." if near else ""
            raise DataError(
                f"{table.where} has no column {prefix + name!r} with the probabilities of the label {name!r} "
                f"(data.soft_label_prefix).{meant} Wanted a column a label: {wanted}."
            )


def _numbers(table: Table, names: Sequence[str]) -> np.typing.NDArray[np.float64]:
    """The columns `names` as float64 [N,K], NaN in holes. All are written in one notation, with % or without."""
    cells = np.concatenate([table.columns[name] for name in names]).tolist()
    read_as = {cell: levelling.word(cell) for cell in set(cells)}
    hole = np.array([not read_as[cell] for cell in cells], dtype=bool)
    found = number_formats.read(cells, hole)
    values = found.values.astype(np.float64) / (100 if found.unit == "%" else 1)
    wrong = np.flatnonzero(~hole & ~(values >= 0))  # true for NaN too
    if len(wrong) or found.unit not in ("", "%"):
        column, row = divmod(int(wrong[0]) if len(wrong) else 0, len(table))
        raise DataError(
            f"{table.where}, column {names[column]!r}: {table.at(row)} holds no number of 0 or more. Correct it."
        )
    return values.reshape(len(names), -1).T
