"""Columns that only number the rows: an index that another program left in the file, with gaps of rows taken out.

A file is often sorted by class, so such a column tells the label and is worth nothing on a new row.
"""

from __future__ import annotations

import re

import numpy as np

LEFT_BEHIND = "it numbers the rows, as an index that another program left in the file"
# pandas ("Unnamed: 0", "level_0", "__index_level_0__"), Spark ("_c0"), readr ("...1"), R ("rownames").
_SURELY = re.compile(
    r"Unnamed: \d+(_level_\d+)?(\.\d+)*|level_\d+|__index_level_\d+__|_c0|\.\.\.\d+|rownames", re.ASCII
)
_MAYBE = re.compile(r"X|V1|#|(?i:idx|row|(row|line|record|sr|serial)?[\W_]*(no|nr|num|number|names?|id|index)\.?)")
_MIN_ROWS = 20
_DIFFERENT = 0.9  # share of rows with a number of their own
_DENSE = 0.05  # rows, of the numbers from the first to the last: the others were taken out


def reason(name: str, values: np.typing.NDArray[np.generic]) -> str | None:
    """Why a column says nothing, or None. `values`: of the rows [N] in the order of the file."""
    if values.dtype == object or len(values) < _MIN_ROWS:
        return None
    numbers = values.astype(np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers) or (numbers != np.round(numbers)).any() or numbers.min() < 0:
        return None
    if _SURELY.fullmatch(name):
        return LEFT_BEHIND
    different = np.unique(numbers)
    span = different[-1] - different[0]
    if len(numbers) < len(values) or different[0] > 0.1 * different[-1] or len(different) < _DENSE * span:
        return None
    if _MAYBE.fullmatch(name) and len(different) >= _DIFFERENT * len(values):
        return LEFT_BEHIND
    steps = np.diff(numbers)
    has_gaps = (steps > 0).all() and (steps == 1).any()  # a number in even steps of its own is none
    return LEFT_BEHIND if has_gaps else None
