"""Which columns of a file are inputs, and of which type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from distill.data import checks, column_types, teacher_columns
from distill.data.readers.cells import Table
from distill.data.wording import listed
from distill.errors import DataError
from distill.modalities.modality import Columns
from distill.modalities.tabular import row_index
from distill.recipe.schema import Data
from handler.bundle.contract import Input


def read(
    table: Table, data: Data, labels: np.typing.NDArray[np.object_]
) -> tuple[tuple[Input, ...], Columns, list[str]]:
    """The columns that the recipe names, or all without another role, with their types.

    Raises:
        DataError: a column that is not there, that carries nothing, or whose type only a person can tell.
    """
    for typed in data.types:
        table.column(typed, "data.types")
    if data.columns is not None and data.soft_label_prefix is not None:
        checks.no_soft_columns(data.columns, data.soft_label_prefix, labels, table.where)
    if data.columns is not None:
        chosen, notes = _named(table, data), list[str]()
    else:
        chosen, notes = _inferred(table, data, labels)
    checks.reserved([column.name for column in chosen], table.where)
    notes += [note for column in chosen for note in column.notes]
    return tuple(column.input for column in chosen), {column.name: column.values for column in chosen}, notes


def _named(table: Table, data: Data) -> list[column_types.Column]:
    """The columns that the recipe lists."""
    assert data.columns is not None
    chosen = [column_types.read(table, name, data.types.get(name)) for name in data.columns]
    for column in chosen:
        _refuse_useless(column, table)
    return chosen


def _refuse_useless(column: column_types.Column, table: Table) -> None:
    """A column that the recipe names and that carries nothing is the recipe's mistake."""
    if column.useless:
        keep = f', or set data.types."{column.name}" = "number" to keep it'
        row_number = column.useless in (column_types.ROW_NUMBER, column_types.IDENTIFIER)
        raise DataError(
            f"{table.where}, column {column.name!r}: {column.useless}, so nothing can be learned from it. "
            f"Take it out of the recipe{keep if row_number else ''}."
        )


def _inferred(
    table: Table, data: Data, labels: np.typing.NDArray[np.object_]
) -> tuple[list[column_types.Column], list[str]]:
    """All columns without another role, less those that carry nothing."""
    roles = {data.label, data.group, data.split}
    roles |= teacher_columns.of(table.columns, data.soft_label_prefix, labels.tolist())
    names = [name for name in table.columns if name not in roles]
    every = [column_types.read(table, name, data.types.get(name)) for name in names]
    for column in every:
        if column.name in data.types:
            _refuse_useless(column, table)
    every = [
        column
        if column.useless or column.name in data.types
        else replace(column, useless=row_index.reason(column.name, column.values))
        for column in every
    ]
    chosen = [column for column in every if not column.useless]
    left_out = _by_reason({column.name: column.useless for column in every if column.useless} | dict(table.unusable))
    notes = [
        f"column {names[0]!r} is left out: {reason}"
        if len(names) == 1
        else f"{len(names)} columns are left out, as of each is true: {reason} ({listed(names)})"
        for reason, names in left_out.items()
    ]
    if not chosen:
        reasons = [f"{listed(names)}: {reason}" for reason, names in left_out.items()]
        found = f" Left out are {'; '.join(reasons)}." if reasons else ""
        raise DataError(
            f"{table.where} has no column to learn from beside the label.{found} "
            "Name the column with texts as data.text, or the columns to use as data.columns."
        )
    return chosen, notes


def _by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """Reason -> the columns that it holds for."""
    found: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        found.setdefault(reason, []).append(name)
    return found


def is_empty(columns: Columns) -> np.typing.NDArray[np.bool_]:
    """Rows [N] of which every cell is a hole."""
    holes = [
        values == "" if values.dtype == object else np.isnan(values.astype(np.float32)) for values in columns.values()
    ]
    found: np.typing.NDArray[np.bool_] = np.logical_and.reduce(holes)
    return found
