"""Rows of columns as trees read them: numbers, and categories by their codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from distill.data.rows import Rows
from distill.privacy.disclosure import MIN_ROWS
from handler.bundle.contract import Input

MAX_CATEGORIES = 254  # histogram boosting's bound on bins, less one for what is unknown

Codes = Mapping[str, Mapping[str, int]]  # by column, then by category


def codes(inputs: tuple[Input, ...], rows: Rows) -> Codes:
    """The codes of the categories of each column that stand in MIN_ROWS rows or more, the most frequent first."""
    return {column.name: _codes(rows.columns[column.name].tolist()) for column in inputs if column.dtype == "string"}


def table(inputs: tuple[Input, ...], known: Codes, rows: Rows) -> np.typing.NDArray[np.float64]:
    """Cells [N,F]: a hole or an infinite number is NaN, an unknown category has the code after the last."""
    columns = []
    for column in inputs:
        values = rows.columns[column.name]
        if column.dtype == "string":
            own = known[column.name]
            values = np.array(
                [np.nan if value == "" else own.get(value, len(own)) for value in values.tolist()], dtype=np.float64
            )
        columns.append(np.where(np.isinf(values.astype(np.float64)), np.nan, values.astype(np.float64)))
    return np.stack(columns, axis=1)


def _codes(values: list[str]) -> dict[str, int]:
    ranked = sorted((-rows, value) for value, rows in Counter(values).items() if rows >= MIN_ROWS and value)
    return {value: place for place, (_, value) in enumerate(ranked[: MAX_CATEGORIES - 1])}
