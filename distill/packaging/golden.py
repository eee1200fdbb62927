"""Golden inputs: made up, never a user's, with the answers that every later home of the graph must give."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from distill.data.rows import Rows
from distill.modalities.text.prelude import MIN_ROWS
from handler.bundle.contract import Input, Limits
from handler.modalities.modality import Record

_QUANTILES = (0.1, 0.5, 0.9)
_DIGITS = 2  # significant: a quantile of few rows would otherwise be somebody's own value
_MOST_CATEGORIES = 20

TEXTS = (
    "",
    " ",
    "ok",
    "This is the best thing that has happened to me all year, thank you!",
    "I waited two hours, nobody came, and the food was cold. Never again.",
    "The meeting is on Tuesday at 10:30 in room 4.",
    "NOT BAD AT ALL!!! :-)",
    "not good, not good at all :(",
    "Please find the invoice no. 4711 (1,250.00 EUR) attached; due in 14 days.",
    "Win a FREE prize now >>> click http://example.com/win?id=1&x=2 <<<",
    "caf\u00e9 na\u00efve co\u00f6perate",
    "cafe\u0301 nai\u0308ve coo\u0308perate",
    "\U0001f600\U0001f44d\U0001f3fd love it \u2764\ufe0f",
    "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d\u770b\uff0c\u6211\u5f88\u559c\u6b22\u3002",
    "\u3053\u306e\u6620\u753b\u306f\u9762\u767d\u304f\u306a\u3044",
    "\u0e2b\u0e19\u0e31\u0e07\u0e40\u0e23\u0e37\u0e48\u0e2d\u0e07\u0e19\u0e35\u0e49\u0e14\u0e35\u0e21\u0e32\u0e01",
    "\u042d\u0442\u043e \u0431\u044b\u043b\u043e \u0443\u0436\u0430\u0441\u043d\u043e",
    "\u0647\u0630\u0627 \u0631\u0627\u0626\u0639 \u062c\u062f\u0627",
    "<p>Some <b>markup</b> &amp; entities</p>\n\n\tand\ttabs",
    "zxqv wubbl frotz glork",
    "a" * 1000,
)
_LONG_WORD = "very good and then very bad "


def text(limits: Limits) -> list[Record]:
    """Texts that preludes have stumbled over, and one as long as a request may send."""
    long = (_LONG_WORD * (1 + limits.max_characters // len(_LONG_WORD)))[: limits.max_characters].rstrip()
    return [*(item[: limits.max_characters] for item in TEXTS), long]


def tabular(inputs: tuple[Input, ...], train: Rows) -> list[Record]:
    """Rows of rounded quantiles, one category changed at a time, holes, and values never seen."""
    middle = {column.name: _typical(column, train.columns, 0.5) for column in inputs}
    rows: list[Record] = [{column.name: _typical(column, train.columns, q) for column in inputs} for q in _QUANTILES]
    rows.append({column.name: None for column in inputs})
    for column in inputs:
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
    return _few_digits(float(np.quantile(finite, level))) if len(finite) else None


def _categories(values: np.ndarray) -> list[str]:
    """Categories that at least MIN_ROWS rows share, the commonest first."""
    found, counts = np.unique(values.astype(str), return_counts=True)
    ranked = sorted((-int(rows), str(value)) for value, rows in zip(found, counts, strict=True) if rows >= MIN_ROWS)
    return [value for _, value in ranked if value]


def _few_digits(value: float) -> float:
    if value == 0:
        return 0.0
    return round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))
