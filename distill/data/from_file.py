"""A user's file and what the recipe says about it, made into a pool of rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from distill.data import checks, column_types, teacher_columns
from distill.data.column_types import Column
from distill.data.normalize import clean
from distill.data.pool import Pool
from distill.data.readers import csv, jsonl, parquet
from distill.data.readers.cells import Table
from distill.data.split import TEST, TRAIN, VALIDATION
from distill.data.wording import counted, listed
from distill.errors import DataError
from distill.recipe.schema import Data
from handler.bundle.contract import Input

_PARTS = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
}


def read(path: Path, data: Data) -> tuple[Pool, tuple[str, ...]]:
    """The file's rows, and notes for people.

    Raises:
        DataError: unreadable, or not what the recipe says.
    """
    table = _table(path, data)
    labels = _labels(table, data)
    if data.text is not None:
        inputs, values, notes = _text(table, data.text)
    else:
        inputs, values, notes = _columns(table, data, labels)
    names = tuple(sorted({label for label in labels if label}))
    pool = Pool(
        inputs=inputs,
        columns=values,
        labels=labels,
        groups=_groups(table, data.group),
        teacher_probabilities=teacher_columns.read(table, data.soft_label_prefix, names),
        split=_split(table, data.split),
    )
    return _filled(pool, table, (*table.notes, *notes))


def _table(path: Path, data: Data) -> Table:
    if data.source == "parquet":
        return parquet.read(path, path.name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from None
    if data.source == "jsonl":
        return jsonl.read(content, path.name)
    named = (data.text, data.label, data.group, data.split, *(data.columns or ()))
    return csv.read(content, path.name, [name for name in named if name is not None])


def _labels(table: Table, data: Data) -> npt.NDArray[np.object_]:
    """Trimmed labels, "" where there is none."""
    assert data.label is not None  # the recipe was checked
    raw = np.array([clean(cell) for cell in table.column(data.label, "data.label")], dtype=object)
    return checks.labels(raw, f"{table.where}, column {data.label!r}")


def _text(table: Table, name: str) -> tuple[tuple[Input, ...], dict[str, npt.NDArray[np.generic]], list[str]]:
    texts = np.array([clean(cell) for cell in table.column(name, "data.text")], dtype=object)
    if not any(text.strip() for text in texts):
        raise DataError(f"{table.where}, column {name!r} (data.text) is empty in every row. Name another column.")
    return (Input("text", "string", "text"),), {"text": texts}, []


def _columns(
    table: Table, data: Data, labels: npt.NDArray[np.object_]
) -> tuple[tuple[Input, ...], dict[str, npt.NDArray[np.generic]], list[str]]:
    for typed in data.types:
        table.column(typed, "data.types")
    if data.columns is not None and data.soft_label_prefix is not None:
        checks.no_soft_columns(data.columns, data.soft_label_prefix, labels, table.where)
    if data.columns is not None:
        chosen, notes = _named(table, data), []
    else:
        chosen, notes = _inferred(table, data, labels)
    checks.reserved([column.name for column in chosen], table.where)
    notes += [note for column in chosen for note in column.notes]
    notes += checks.tell_tales(chosen, labels)
    return tuple(column.input for column in chosen), {column.name: column.values for column in chosen}, notes


def _named(table: Table, data: Data) -> list[Column]:
    """The columns that the recipe lists."""
    assert data.columns is not None
    chosen = [column_types.read(table, name, data.types.get(name)) for name in data.columns]
    for column in chosen:
        _refuse_useless(column, table)
    return chosen


def _refuse_useless(column: Column, table: Table) -> None:
    """A column that the recipe names and that carries nothing is the recipe's mistake."""
    if column.useless:
        keep = f', or set data.types."{column.name}" = "number" to keep it'
        row_number = column.useless in (column_types.ROW_NUMBER, column_types.IDENTIFIER)
        raise DataError(
            f"{table.where}, column {column.name!r}: {column.useless}, so nothing can be learned from it. "
            f"Take it out of the recipe{keep if row_number else ''}."
        )


def _inferred(table: Table, data: Data, labels: npt.NDArray[np.object_]) -> tuple[list[Column], list[str]]:
    """All columns without another role, less those that carry nothing."""
    roles = {data.label, data.group, data.split}
    if data.soft_label_prefix is not None:
        roles |= {data.soft_label_prefix + label for label in labels if label}
    names = [name for name in table.columns if name not in roles]
    every = [column_types.read(table, name, data.types.get(name)) for name in names]
    for column in every:
        if column.name in data.types:
            _refuse_useless(column, table)
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


def _groups(table: Table, name: str | None) -> npt.NDArray[np.object_] | None:
    if name is None:
        return None
    return np.array([clean(cell).strip() for cell in table.column(name, "data.group")], dtype=object)


def _split(table: Table, name: str | None) -> npt.NDArray[np.object_] | None:
    if name is None:
        return None
    cells = [cell.strip().lower() for cell in table.column(name, "data.split")]
    odd = next((row for row, cell in enumerate(cells) if cell not in _PARTS), None)
    if odd is not None:
        raise DataError(
            f"{table.where}, column {name!r} (data.split): {table.at(odd)} holds something else than "
            "train, validation (or val, dev) or test. Correct it, or take data.split out and Limbeck splits."
        )
    return np.array([_PARTS[cell] for cell in cells], dtype=object)


def _filled(pool: Pool, table: Table, notes: tuple[str, ...]) -> tuple[Pool, tuple[str, ...]]:
    """The rows that hold any input at all."""
    filled = np.zeros(len(pool), dtype=bool)
    for column in pool.columns.values():
        filled |= column != "" if column.dtype == object else ~np.isnan(column.astype(np.float32))
    if pool.inputs[0].kind == "text":
        filled &= np.array([bool(text.strip()) for text in pool.columns["text"]], dtype=bool)
    empty = np.flatnonzero(~filled)
    if len(empty):
        rows = counted(len(empty), "row")
        notes = (*notes, f"{rows} without any input dropped, the first in {table.at(int(empty[0]))}")
    return pool.take(filled), notes
