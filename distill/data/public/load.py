"""Loads a named public set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from distill.data.assemble import assemble
from distill.data.pool import Pool
from distill.data.public import breast_cancer, vader
from distill.data.public.debian import sections
from distill.data.rows import Dataset
from distill.recipe.public_sets import BREAST_CANCER, CATALOGUE, DEBIAN_SECTIONS, VADER

_READERS: dict[str, Callable[[], Pool]] = {VADER.name: vader.read, BREAST_CANCER.name: breast_cancer.read}
NAMES = tuple(named.name for named in CATALOGUE)


def load(name: str, max_rows: int | None = None, path: Path | None = None) -> Dataset:
    """The set called `name`, one of `NAMES`, in its fixed split; of a file at `path` where the set takes one.

    What a user's file holds nobody here knows, so it is neither called public nor given the set's licence.
    """
    named = next(entry for entry in CATALOGUE if entry.name == name)
    pool, notes = sections.read(path) if name == DEBIAN_SECTIONS.name else (_READERS[name](), ())
    return assemble(
        pool,
        task=named.task,
        name=name,
        where=path.name if path else None,
        licence="not stated" if path else named.licence,
        public=path is None,
        max_rows=max_rows,
        notes=notes,
    )
