"""From a file that nobody has described to a recipe for it: what `limbeck init` does."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.data import checks, load, roles
from distill.data.readers.cells import Table
from distill.data.rows import Dataset, Rows
from distill.data.sources import FORMATS
from distill.data.split import PARTS
from distill.data.wording import counted, listed
from distill.errors import DataError, RecipeError
from distill.modalities import register
from distill.pipeline import first_of_folder
from distill.recipe import load as load_recipe
from distill.recipe import rules, starter
from distill.recipe.rules import OF_ROWS
from distill.recipe.schema import Data

_SHOWN_NOTES = 10
_KEY = re.compile(r"\bdata\.(?!KEY)[a-z_]+")  # what a message asks for
_LEFT_OUT = re.compile(r"\b(is|are) left out\b")


@dataclass(frozen=True)
class FirstRecipe:
    """A recipe's text, and what a person should hear of the data."""

    text: str
    said: tuple[str, ...]


def of(
    given: Path, recipe: Path, label: str | None = None, text: str | None = None, overrides: Sequence[str] = ()
) -> FirstRecipe:
    """Look at a file, the one file of rows in a folder or a folder of pictures; say how it can be learned from.

    Args:
        given: the file or folder.
        recipe: where the recipe is to be written: its path to the data begins there.
        label: the column of classes, where a person names it.
        text: the column of texts, likewise.
        overrides: `data.key=value`, other keys of the data section.

    Raises:
        DataError: there are no rows, they cannot be learned from, or a person has to say which column is the label.
        RecipeError: an override is wrong.
    """
    if not _holds_rows(given) and first_of_folder.fits(given):
        return FirstRecipe(*first_of_folder.of(given, recipe, label, text))
    path = _file(given)
    source = OF_ROWS.get(path.suffix.lower()) or _sniffed(path)
    data = _declared({"source": source, "path": str(path.resolve()), "label": label, "text": text}, recipe, overrides)
    try:
        table = FORMATS[data.source](path, data)
        if data.source == "csv" and data.label is None:
            roles.refuse_headless(table)
        data, unused, notes = _described(table, data)
        rules.check_data(data)
        rows = load.load(data, recipe.parent, register.of(data))
    except DataError as error:
        if _KEY.search(str(error)) is None:
            raise
        raise DataError(f"{error} Here: limbeck init {shlex.quote(str(given))} --set data.KEY=VALUE") from None
    names = listed(column.name for column in rows.inputs)
    inputs = repr(data.text) if data.text else f"{counted(len(rows.inputs), 'column')} ({names})"
    count = sum(map(len, _parts(rows)))
    about = f"{counted(count, 'row')} of {path.name}: {inputs} -> {data.label!r}, {_labels(rows)}."
    if data.split:
        notes = (f"column {data.split!r} is the split (data.split): {_of_parts(rows)}", *notes)
    place = os.path.relpath(path.resolve(), recipe.resolve().parent)
    written = starter.text(recipe.name, about, data.model_copy(update={"path": place}), unused)
    return FirstRecipe(written, (about, *notes, *rows.notes[:_SHOWN_NOTES]))


def _declared(known: Mapping[str, str | None], recipe: Path, overrides: Sequence[str]) -> Data:
    """The data section as far as a person gave it."""
    raw = {"data": {key: value for key, value in known.items() if value is not None}}
    made = load_recipe.of(raw, recipe, overrides)
    if made.model_dump(exclude_unset=True).keys() > {"name", "data"}:
        raise RecipeError("init looks at rows: its --set takes keys of the data section, as in data.encoding=cp1252.")
    return made.data


def _described(table: Table, data: Data) -> tuple[Data, tuple[str, ...], tuple[str, ...]]:
    """The data section with the columns' roles, the columns beside a text, and what to say of columns left out."""
    found = roles.guess(table, data.label, data.text, data.split)
    text = found.text if data.columns is None else None
    data = data.model_copy(update={"label": found.label, "text": text, "split": found.split})
    taken = {data.group, *data.allow_leaks, *data.types, *(data.columns or ())}
    if text is not None:
        unused = tuple(name for name in found.unused if name not in taken)
        note = f"not used beside the text: {listed(unused)}. A student reads one text, or columns (data.columns)"
        return data, unused, (note,) if unused else ()
    if data.columns is not None:
        return data, (), ()
    labels = checks.labels(table.column(found.label, "--label"), f"{table.where}, column {found.label!r}")
    inputs, _, notes = register.of(data).read(table, data, labels)
    left = roles.left_out(table, [it.name for it in inputs if it.name not in taken])
    kept = tuple(it.name for it in inputs if it.name not in left)
    if not left:
        return data, (), ()
    if not kept:
        raise DataError(f"{table.where} has no column to learn from beside the label: {'; '.join(left.values())}.")
    of_useless = (note for note in notes if _LEFT_OUT.search(note))
    return data.model_copy(update={"columns": kept}), (), (*left.values(), *of_useless)


def _parts(rows: Dataset) -> tuple[Rows, Rows, Rows]:
    return rows.train, rows.validation, rows.test


def _of_parts(rows: Dataset) -> str:
    return ", ".join(f"{len(part):,} {name}" for name, part in zip(PARTS, _parts(rows), strict=True)) + " rows"


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
    return (path for path in folder.iterdir() if path.suffix.lower() in OF_ROWS and path.is_file())


def _sniffed(path: Path) -> str:
    """The format of a file whose name does not tell it."""
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"
