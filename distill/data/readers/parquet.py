"""Parquet, by pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from distill.data.normalize import column_name
from distill.data.readers.cells import Table, check_names
from distill.data.readers.jsonl import cell
from distill.errors import DataError


def read(path: Path, where: str) -> Table:
    """Read every column as cells: dictionaries decoded, dates as ISO text; lists, structs and bytes are unusable.

    Raises:
        DataError: not Parquet, without rows, or pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DataError(f"{where} needs pyarrow to be read. Install it: pip install pyarrow") from None
    try:
        table = parquet.ParquetFile(path).read()
    except (pyarrow.ArrowException, OSError):
        raise DataError(f"{where} is not a Parquet file, or is cut off. Set data.source to what it is.") from None
    names = [column_name(name) for name in table.column_names]
    check_names(names, where)
    columns, unusable = {}, {}
    for name, column in zip(names, table.columns, strict=True):
        if not name or name.startswith("__index_level_"):  # pandas wrote its row numbers
            continue
        cells = _cells(column)
        if cells is None:
            unusable[name] = f"its type is {column.type}, wanted text, numbers, true and false, or dates"
        else:
            columns[name] = np.array(cells, dtype=object)
    if not table.num_rows or not columns:
        raise DataError(f"{where} has no rows that can be read. Add rows.")
    return Table(where, "row", columns, np.arange(1, table.num_rows + 1), unusable=unusable)


def _cells(column: Any) -> list[str] | None:  # noqa: ANN401 - pyarrow has no stubs
    """Every value as a cell, or None where the type has no such form."""
    from pyarrow import types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_temporal(kind) or types.is_decimal(kind):
        column = column.cast("string")
    elif types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind) or types.is_null(kind):
        return [""] * len(column) if types.is_null(kind) else None
    return [cell(value) for value in column.to_pylist()]
