"""The front door: from a recipe's data section to rows that are split for good."""

from __future__ import annotations

from pathlib import Path

from distill.datasets import named
from distill.datasets.rows import Dataset
from distill.errors import DataError
from distill.recipe import Data


def load(data: Data, base: Path) -> Dataset:
    """Read, check, de-duplicate and split. The same rows in any order give the same Dataset.

    Args:
        data: the recipe's data section.
        base: the recipe's folder: a relative `data.path` is looked for there, then in the working directory.

    Raises:
        DataError: the rows are missing, unreadable, or nothing can be learned from them.
        FetchError: a named set cannot be fetched.
    """
    if data.source in named.NAMES:
        return named.load(data.source, data.max_rows)
    raise DataError(f"data.source {data.source!r} is unknown.")
