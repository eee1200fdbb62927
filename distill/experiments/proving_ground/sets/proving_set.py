"""What a set of the proving ground is, and how its rows become a CSV file and a recipe of columns alone."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill import cache
from distill.recipe.schema import Data, Recipe

MAX_ROWS = 6000
MANY_ROWS = 10_200  # of tables that have them: a thousand test rows, so that calibration can be judged
MIN_ROWS_A_CLASS = 30  # in the sample: a rarer class would have two test rows or fewer
TEXTS, TABLES = "texts", "tables"
LABEL = "label"


@dataclass(frozen=True)
class Cells:
    """N rows of a source as words: their columns in order, the last of them the label; a hole is the empty string."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class ProvingSet:
    """One set. `data` is for a named set, `make` for one that is written to a file; one of the two is there."""

    name: str
    chapter: str  # TEXTS or TABLES
    about: str  # the input -> the classes
    package: str  # that carries it
    licence: str
    data: Data | None = None
    # Raises FetchError where the package cannot be had.
    make: Callable[[], Cells] | None = None
    module: str = ""  # whose code makes the cells, for the file's name
    split: str | None = None  # a column that holds the source's own split
    most: int = MAX_ROWS


def texts(rows: Sequence[tuple[str, str]]) -> Cells:
    """Pairs of text and label as cells."""
    return Cells(("text", LABEL), rows)


def recipe(one: ProvingSet, seed: int) -> Recipe:
    """The recipe of a set: where its rows are and which columns mean what, and nothing else. Writes the file first.

    Raises:
        FetchError: the set's package cannot be had.
    """
    return Recipe(name=f"proving-{one.name}", seed=seed, data=one.data or _data(one, file(one)))


def file(one: ProvingSet) -> Path:
    """The set's CSV file in the cache, made from its package where it is missing.

    Raises:
        FetchError: the package cannot be had.
    """
    assert one.make is not None, f"{one.name} is a named set"
    key = cache.key("proving set", one.name, one.most, cache.code(__name__, one.module or one.make.__module__))
    path = cache.root() / "proving-ground" / "sets" / f"{one.name}-{key[:8]}.csv"
    if not path.is_file():
        write(sample(one.make(), one.most), path)
    return path


def sample(cells: Cells, most: int = MAX_ROWS, least: int = MIN_ROWS_A_CLASS) -> Cells:
    """At most `most` rows, each input once, those whose hashes come first; then without classes of under `least` rows.

    Whatever order the source has, the rows are the same and in the same order. Rows without a label are left out. Of an
    input with several labels the first in order is kept.
    """
    by_input: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row in sorted(cells.rows):
        if row[-1]:
            by_input.setdefault(row[:-1], row)
    kept = sorted(by_input.values(), key=_hash)[:most]
    counts = Counter(row[-1] for row in kept)
    return Cells(cells.columns, [row for row in kept if counts[row[-1]] >= least])


def even(rows: Sequence[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    """At most `most` rows of each label, those whose hashes come first: for sources that have far more of one."""
    taken: Counter[str] = Counter()
    kept = []
    for row in sorted(set(rows), key=_hash):
        taken[row[-1]] += 1
        if taken[row[-1]] <= most:
            kept.append(row)
    return kept


def write(cells: Cells, path: Path) -> None:
    """Write a CSV file by rename."""
    with cache.replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(cells.columns)
        writer.writerows(cells.rows)


def _data(one: ProvingSet, path: Path) -> Data:
    """The data section for a set's file."""
    with path.open(encoding="utf-8", newline="") as lines:
        header = next(csv.reader(lines))
    text = header[0] if one.chapter == TEXTS else None  # of a table, all that has no other role
    return Data(source="csv", path=str(path), label=LABEL, split=one.split, text=text)


def _hash(row: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()
