"""The front door: from a recipe's data section to rows that are split for good."""

from __future__ import annotations

from pathlib import Path

from distill.data import from_file
from distill.data.assemble import assemble
from distill.data.from_file import Kind
from distill.data.public import load as named
from distill.data.rows import Dataset
from distill.errors import DataError
from distill.recipe.rules import FILES
from distill.recipe.schema import Data


def load(data: Data, base: Path, kind: Kind) -> Dataset:
    """Read, check, de-duplicate and split. The same rows in any order give the same Dataset.

    Args:
        data: the recipe's data section.
        kind: of input, as the recipe has it (`distill.modalities.register.of`).
        base: the recipe's folder: a relative `data.path` is looked for there, then in the working directory.

    Raises:
        DataError: the rows are missing, unreadable, or nothing can be learned from them.
        FetchError: a named set cannot be fetched.
    """
    if data.source in named.NAMES:
        given = _find(data.path, data.source, base) if data.path else None
        return named.load(data.source, data.max_rows, given)
    if data.source not in FILES:
        raise DataError(f"data.source is {data.source!r}, wanted one of {', '.join((*FILES, *named.NAMES))}.")
    if not data.path or not data.label:
        raise DataError(f"data.source {data.source!r} needs data.path, the file, and data.label, its label column.")
    path = _find(data.path, data.source, base)
    pool, notes = from_file.read(path, data, kind)
    return assemble(
        pool,
        task=kind.name,
        name=path.stem,
        where=path.name,
        licence="not stated",
        public=False,
        max_rows=data.max_rows,
        notes=notes,
    )


def _find(path: str, source: str, base: Path) -> Path:
    """The file that `data.path` names."""
    given = Path(path).expanduser()
    tried = list(dict.fromkeys([(base / given).absolute(), given.absolute()]))
    try:
        found = next((place for place in tried if place.exists()), None)
    except (OSError, ValueError):  # a name too long, or with a NUL
        found = None
    if found is None:
        raise DataError(f"No file {path!r} (data.path). Looked for {' and '.join(map(str, tried))}.")
    if not found.is_file():
        raise DataError(f"{found} (data.path) is a folder or device, wanted a {source} file.")
    return found
