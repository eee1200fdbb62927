"""Loads a named public set."""

from __future__ import annotations

from collections.abc import Callable

from distill.datasets import breast_cancer, vader
from distill.datasets.assemble import assemble
from distill.datasets.catalogue import BREAST_CANCER, CATALOGUE, VADER
from distill.datasets.pool import Pool
from distill.datasets.rows import Dataset

_READERS: dict[str, Callable[[], Pool]] = {VADER.name: vader.read, BREAST_CANCER.name: breast_cancer.read}
NAMES = tuple(named.name for named in CATALOGUE)


def load(name: str, max_rows: int | None = None) -> Dataset:
    """The set called `name`, one of `NAMES`, in its fixed split."""
    named = next(entry for entry in CATALOGUE if entry.name == name)
    return assemble(_READERS[name](), name=name, licence=named.licence, public=True, max_rows=max_rows)
