"""From a file that nobody has described to a recipe for it: what `limbeck init` does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distill.data import load, roles
from distill.data.rows import Dataset
from distill.data.sources import FORMATS
from distill.data.wording import counted, listed
from distill.errors import DataError
from distill.modalities import register
from distill.pipeline import first_of_folder
from distill.recipe import starter
from distill.recipe.schema import Data

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_SHOWN_NOTES = 10


@dataclass(frozen=True)
class FirstRecipe:
    """A recipe's text, and what a person should hear of the data."""

    text: str
    said: tuple[str, ...]


def of(given: Path, recipe: Path, label: str | None, text: str | None) -> FirstRecipe:
    """Look at a file, the one file of rows in a folder or a folder of pictures; say how it can be learned from.

    Args:
        given: the file or folder.
        recipe: where the recipe is to be written: its path to the data begins there.
        label: the column of classes, where a person names it.
        text: the column of texts, likewise.

    Raises:
        DataError: there are no rows, they cannot be learned from, or a person has to say which column is the label.
    """
    if not _holds_rows(given) and first_of_folder.fits(given):
        return FirstRecipe(*first_of_folder.of(given, recipe, label, text))
    path = _file(given)
    source = _SUFFIXES.get(path.suffix.lower()) or _sniffed(path)
    table = FORMATS[source](path, Data(source=source))
    found = roles.guess(table, label, text)
    place = os.path.relpath(path.resolve(), recipe.resolve().parent)
    data = Data(source=source, path=place, text=found.text, label=found.label, split=found.split)
    rows = load.load(data, recipe.parent, register.of(data))
    names = listed(column.name for column in rows.inputs)
    inputs = repr(found.text) if found.text else f"{counted(len(rows.inputs), 'column')} ({names})"
    count = sum(len(part) for part in (rows.train, rows.validation, rows.test))
    about = f"{counted(count, 'row')} of {path.name}: {inputs} -> {found.label!r}, {_labels(rows)}."
    return FirstRecipe(starter.text(recipe.name, about, data, found.other_texts), (about, *rows.notes[:_SHOWN_NOTES]))


def _labels(rows: Dataset) -> str:
    return f"{len(rows.labels)} classes ({listed(rows.labels)})"


def _file(given: Path) -> Path:
    try:
        if given.is_file():
            return given
        found = sorted(_rows_in(given)) if given.is_dir() else None
    except (OSError, ValueError):  # a name too long, or with a NUL
        found = None
    if found is None:
        raise DataError(f"No file or folder {str(given)[:80]!r}. Name a CSV, JSON Lines or Parquet file.")
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataError(
            f"{given} holds no CSV, JSON Lines or Parquet file, and no picture. Put the rows into one such file."
        )
    raise DataError(
        f"{given} holds {len(found)} files of rows: {listed(path.name for path in found)}. Name one of them; parts "
        "of one set go into one file, with a column that says train, validation or test."
    )


def _holds_rows(given: Path) -> bool:
    try:
        return given.is_dir() and any(_rows_in(given))
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _rows_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())


def _sniffed(path: Path) -> str:
    """The format of a file whose name does not tell it."""
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"
