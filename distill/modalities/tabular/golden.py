"""Golden rows: rounded quantiles, one category changed at a time, holes, and values never seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from distill.data.rows import Rows
from distill.privacy.disclosure import MIN_ROWS
from handler.bundle.contract import Input, Limits
from handler.modalities.modality import Record

_QUANTILES = (0.1, 0.5, 0.9)
_DIGITS = 2  # significant: a quantile of few rows would otherwise be somebody's own value
_MOST_CATEGORIES = 20


def inputs(columns: tuple[Input, ...], train: Rows, limits: Limits) -> list[Record]:
    """Rows of rounded quantiles, one category changed at a time, holes, and values never seen."""
    middle = {column.name: _typical(column, train.columns, 0.5) for column in columns}
    rows: list[Record] = [{column.name: _typical(column, train.columns, q) for column in columns} for q in _QUANTILES]
    rows.append({column.name: None for column in columns})
    for column in columns:
        rows.append({**middle, column.name: None})
        if column.dtype == "string":
            known = _categories(train.columns[column.name])
            rows += [{**middle, column.name: value} for value in [*known[:_MOST_CATEGORIES], "never seen \u2603"]]
        else:
            rows += [{**middle, column.name: value} for value in (0.0, -1e30, 1e30)]
    return rows


def _typical(column: Input, columns: Mapping[str, np.ndarray], level: float) -> str | float | None:
    values = columns[column.name]
    if column.dtype == "string":
        known = _categories(values)
        return known[0] if known else None
    finite = values[np.isfinite(values)]
    # Adding zero makes 0 of -0.
    return float(f"{np.quantile(finite, level):.{_DIGITS}g}") + 0.0 if len(finite) else None


def _categories(values: np.ndarray) -> list[str]:
    """Categories that at least MIN_ROWS rows share, the commonest first."""
    found, counts = np.unique(values.astype(str), return_counts=True)
    ranked = sorted((-int(rows), str(value)) for value, rows in zip(found, counts, strict=True) if rows >= MIN_ROWS)
    return [value for _, value in ranked if value]
