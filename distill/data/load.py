"""The front door: from a recipe's data section to rows that are split for good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from distill.data import from_file
from distill.data.assemble import assemble
from distill.data.from_file import Kind
from distill.data.public import breast_cancer, vader
from distill.data.public.debian import sections
from distill.data.rows import Dataset, Pool
from distill.errors import DataError
from distill.recipe.public_sets import BREAST_CANCER, CATALOGUE, DEBIAN_SECTIONS, VADER
from distill.recipe.rules import FILES
from distill.recipe.schema import Data

_READERS: dict[str, Callable[[], Pool]] = {VADER.name: vader.read, BREAST_CANCER.name: breast_cancer.read}


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
    named = next((entry for entry in CATALOGUE if entry.name == data.source), None)
    path = _find(data.path, data.source, base) if data.path else None
    if named is not None:
        pool, notes = sections.read(path) if named is DEBIAN_SECTIONS else (_READERS[named.name](), ())
    elif path is not None and data.source in FILES and data.label:
        pool, notes = from_file.read(path, data, kind)
    else:
        raise DataError(
            f"data.source is {data.source!r}, wanted one of {', '.join(named.name for named in CATALOGUE)}, or one of "
            f"{', '.join(FILES)} with data.path, the file, and data.label, its label column."
        )
    return assemble(
        pool,
        task=named.task if named else kind.name,
        name=named.name if named else Path(str(path)).stem,
        where=path.name if path else None,
        # What a user's file holds nobody here knows, so it is neither called public nor given the set's licence.
        licence=named.licence if named and not path else "not stated",
        public=path is None,
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
