"""Where rows come from, by the word in `data.source`: a file of one of these formats, a folder, or a named set.

A format is in `distill.recipe.rules.FILES` too, and a named set in `distill.recipe.public_sets.CATALOGUE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from distill.data.public import breast_cancer, fashion_mnist, vader
from distill.data.public.debian import sections
from distill.data.readers import csv, file_kinds, folder, jsonl, parquet
from distill.data.readers.cells import Table
from distill.data.rows import Pool
from distill.recipe import public_sets
from distill.recipe.rules import FOLDER
from distill.recipe.schema import Data

# All raise DataError. The data section says which columns are wanted, for those who must guess a delimiter.
FORMATS: Mapping[str, Callable[[Path, Data], Table]] = MappingProxyType(
    {
        "csv": lambda path, data: _beside(
            path, csv.read(_bytes(path, "csv"), path.name, _columns(data), data.encoding)
        ),
        "jsonl": lambda path, data: _beside(
            path,
            jsonl.read(_bytes(path, "jsonl"), path.name, _columns(data), data.soft_label_prefix, data.encoding),
        ),
        "parquet": lambda path, data: parquet.read(
            _checked(path, "parquet"), path.name, _columns(data), data.soft_label_prefix, data.image
        ),
        FOLDER: lambda path, data: folder.read(path),
    }
)
# Rows, and notes on where they come from. A set that can be read from a copy is given its path, or None.
NAMED_SETS: Mapping[str, Callable[[Path | None], tuple[Pool, tuple[str, ...]]]] = MappingProxyType(
    {
        public_sets.VADER.name: lambda path: (vader.read(), ()),
        public_sets.BREAST_CANCER.name: lambda path: (breast_cancer.read(), ()),
        public_sets.DEBIAN_SECTIONS.name: sections.read,
        public_sets.FASHION_MNIST.name: fashion_mnist.read,
    }
)


def _beside(path: Path, table: Table) -> Table:
    """The table, whose paths begin where the file lies."""
    return replace(table, folder=path.parent)


def _checked(path: Path, source: str) -> Path:
    """The path, once its bytes are known to be of no other format."""
    file_kinds.refuse_others(*file_kinds.ends(path), source, path.name)
    return path


def _bytes(path: Path, source: str) -> bytes:
    return _checked(path, source).read_bytes()


def _columns(data: Data) -> list[str]:
    named = (data.text, data.image, data.label, data.group, data.split, *(data.columns or ()), *data.types)
    return [name for name in named if name is not None]
