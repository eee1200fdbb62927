"""A user's file and what the recipe says about it, made into a pool of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from distill.data import checks, identity, teacher_columns
from distill.data.normalize import clean
from distill.data.readers.cells import Table
from distill.data.rows import Pool
from distill.data.sources import FORMATS
from distill.data.split import WORDS
from distill.data.wording import counted
from distill.errors import DataError
from distill.recipe.schema import Data
from handler.bundle.contract import Input
from handler.modalities import levelling

Columns: TypeAlias = Mapping[str, np.typing.NDArray[np.generic]]


class Kind(Protocol):
    """A kind of input, as far as reading goes; see `distill.modalities.modality`."""

    @property
    def name(self) -> str:
        """The manifest's `serving.task`."""

    @property
    def read(
        self,
    ) -> Callable[[Table, Data, np.typing.NDArray[np.object_]], tuple[tuple[Input, ...], Columns, list[str]]]:
        """A file's cells, the data section and labels [N] -> inputs, columns of [N], notes. Raises DataError."""

    @property
    def is_empty(self) -> Callable[[Columns], np.typing.NDArray[np.bool_]]:
        """Rows [N] that hold no input."""

    @property
    def near_duplicates(self) -> Callable[[Columns], tuple[np.typing.NDArray[np.int64], ...]]:
        """Pairs of rows [M,2] that are near copies of each other, in levels: the surest first."""


def read(path: Path, data: Data, kind: Kind) -> tuple[Pool, tuple[str, ...]]:
    """The file's rows, and notes for people. `kind`: of input, which says what its columns are.

    Raises:
        DataError: unreadable, or not what the recipe says.
    """
    table = FORMATS[data.source](path, data)
    assert data.label is not None  # the recipe was checked
    raw = table.column(data.label, "data.label")
    labels = checks.labels(raw, f"{table.where}, column {data.label!r}")
    inputs, values, notes = kind.read(table, data, labels)
    notes = [*checks.spelling_notes(raw, labels), *notes]
    names = tuple(sorted({label for label in labels if label}))
    if data.group is None:
        roles = {data.label, data.text, data.split, *teacher_columns.of(table.columns, data.soft_label_prefix, names)}
        notes = [*notes, *identity.notes(table, labels, roles)]
    groups = None
    if data.group is not None:
        groups = np.array(
            [levelling.word(clean(cell)) for cell in table.column(data.group, "data.group")], dtype=object
        )
    pool = Pool(
        inputs=inputs,
        columns=values,
        labels=labels,
        groups=groups,
        teacher_probabilities=teacher_columns.read(table, data.soft_label_prefix, names),
        split=_split(table, data.split),
    )
    filled = ~kind.is_empty(pool.columns)
    if not filled.all():
        rows, first = counted(int((~filled).sum()), "row"), table.at(int(np.argmin(filled)))
        notes = [*notes, f"{rows} without any input dropped, the first in {first}"]
    return pool.take(filled), (*table.notes, *notes)


def _split(table: Table, name: str | None) -> np.typing.NDArray[np.object_] | None:
    if name is None:
        return None
    cells = [levelling.visible(cell).lower() for cell in table.column(name, "data.split")]
    odd = next((row for row, cell in enumerate(cells) if cell not in WORDS), None)
    if odd is not None:
        raise DataError(
            f"{table.where}, column {name!r} (data.split): {table.at(odd)} holds something else than "
            "train, validation (or val, dev) or test. Correct it, or take data.split out and Limbeck splits."
        )
    return np.array([WORDS[cell] for cell in cells], dtype=object)
