"""Which pictures a source has, and which of them can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from distill.data.encoded import Laid, length_of
from distill.data.normalize import clean
from distill.data.readers.cells import Table
from distill.data.wording import counted
from distill.errors import DataError
from distill.modalities.image import picture_cells, survey
from distill.modalities.modality import Columns
from distill.recipe.schema import Data
from handler.bundle.contract import Input
from handler.modalities.pictures import WHITE

PIXELS = "pixels"
_FEW = 3  # examples in a note
_MOST_REASONS = 6
_NAME_CHARACTERS = 80
_FEWEST_PIXELS = 16  # of a side: smaller, and there is little to see


def read(
    table: Table, data: Data, labels: np.typing.NDArray[np.object_]
) -> tuple[tuple[Input, ...], Columns, list[str]]:
    """The column `data.image`. What cannot be read is an empty cell, and a note says how many there are and why.

    Raises:
        DataError: there is no such column, it holds addresses, or over half of its pictures are missing or unreadable.
    """
    name = str(data.image)
    found = picture_cells.of(table, name, "data.image")
    values, reasons = found.values.copy(), found.reasons.copy()
    held = np.flatnonzero([length_of(cell) > 0 for cell in values.tolist()])
    background = data.background.lower()
    if background != WHITE:
        values[held] = [Laid(cell, background) for cell in values[held].tolist()]
    looked = survey.of(values[held].tolist())
    reasons[held] = looked.reasons
    unreadable = held[looked.reasons != ""]
    values[unreadable] = b""
    _refuse_most(reasons, table, name)
    notes = list(_unread(reasons, table))
    small = int(((looked.reasons == "") & (np.minimum(looked.heights, looked.widths) < _FEWEST_PIXELS)).sum())
    notes += [f"{counted(small, 'picture')} of under {_FEWEST_PIXELS} pixels a side: there is little to see"] * (
        small > 0
    )
    return (Input(PIXELS, "uint8", "image", background=background),), {PIXELS: values}, notes


def is_empty(columns: Columns) -> np.typing.NDArray[np.bool_]:
    """Rows [N] without a picture."""
    return np.array([length_of(cell) == 0 for cell in columns[PIXELS].tolist()], dtype=bool)


def _refuse_most(reasons: np.typing.NDArray[np.object_], table: Table, name: str) -> None:
    wrong = np.flatnonzero(reasons != "")
    if len(wrong) <= len(reasons) / 2:
        return
    missing = int((reasons == picture_cells.NO_FILE).sum())
    where = table.where if table.roles else f"{table.where}, column {name!r} (data.image)"
    if missing > len(reasons) / 2:
        raise DataError(
            f"{where}: {missing:,} of {len(reasons):,} files are not there, the first in {table.at(int(wrong[0]))}. "
            f"A path begins at the folder of {table.where}: move the file there, or correct the paths."
        )
    raise DataError(
        f"{where}: {len(wrong):,} of {len(reasons):,} pictures cannot be read. {'; '.join(_said(reasons, table))}."
    )


def _unread(reasons: np.typing.NDArray[np.object_], table: Table) -> Iterator[str]:
    count = int((reasons != "").sum())
    if count:
        yield f"{counted(count, 'picture')} left out: {'; '.join(_said(reasons, table))}"


def _said(reasons: np.typing.NDArray[np.object_], table: Table) -> Sequence[str]:
    """Each reason, the commonest first, with how many pictures it has and the first of them."""
    found = []
    different = Counter(filter(None, reasons.tolist())).most_common()
    for reason, count in different[:_MOST_REASONS]:
        rows = np.flatnonzero(reasons == reason)[:_FEW].tolist()
        shown = ", ".join(_shown(table.at(row)) for row in rows)
        found.append(f"{count:,} ({shown}{' …' if count > _FEW else ''}): {reason.rstrip('.')}")
    more = sum(count for _, count in different[_MOST_REASONS:])
    return [*found, f"{more:,} for other reasons"] if more else found


def _shown(place: str) -> str:
    place = clean(place)
    return place if len(place) <= _NAME_CHARACTERS else f"…{place[-_NAME_CHARACTERS:]}"
