"""Which column of a file is probably what, label, text or split: a guess for a first recipe, told to a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from distill.data.checks import MAX_CLASSES, MIN_ROWS_A_CLASS
from distill.data.readers.cells import Table
from distill.data.split import PARTS
from distill.data.wording import listed
from distill.errors import DataError
from handler.modalities.levelling import HOLES

# What people call the column of classes: names that can mean nothing else, then names that often do.
_LABELS = frozenset({"label", "labels", "class", "classes", "target", "category", "y", "gold"})
_OFTEN_LABELS = frozenset(
    {
        "sentiment",
        "intent",
        "topic",
        "species",
        "diagnosis",
        "outcome",
        "verdict",
        "folder",
        "queue",
        "churn",
    }
)
_TEXTS = frozenset(
    {"text", "body", "message", "content", "review", "comment", "sentence", "utterance", "query", "question", "tweet"}
)
_SPLITS = frozenset({"split", "part", "partition", "subset", "fold"})
_MIN_WORDS, _MIN_CHARACTERS = 3, 15  # the mean of a column of texts; the second for scripts without spaces
_MIN_DIFFERENT = 0.3  # share of different cells from which long ones are texts and no categories
_MANY_NUMBERS = 3
_NUMBER = re.compile(r"[+-]?[\d.,' ]*\d[\d.,' ]*(e[+-]?\d+)?%?", re.IGNORECASE)


@dataclass(frozen=True)
class Roles:
    """Columns by role."""

    label: str
    text: str | None  # None: the inputs are columns
    split: str | None
    other_texts: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    name: str
    filled: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.name.strip().casefold()

    @property
    def different(self) -> int:
        return len(set(self.filled))

    @property
    def is_numeric(self) -> bool:
        return sum(bool(_NUMBER.fullmatch(cell)) for cell in self.filled) > len(self.filled) / 2

    @property
    def is_text(self) -> bool:
        if not self.filled or self.is_numeric:
            return False
        if self.different < _MIN_DIFFERENT * len(self.filled):
            return False
        return self.key in _TEXTS or self.words >= _MIN_WORDS or self.characters >= _MIN_CHARACTERS

    @property
    def words(self) -> float:
        return sum(len(cell.split()) for cell in self.filled) / max(1, len(self.filled))

    @property
    def characters(self) -> float:
        return sum(map(len, self.filled)) / max(1, len(self.filled))

    @property
    def may_be_label(self) -> bool:
        """Few different cells, each of them often enough to be learned."""
        return 2 <= self.different <= min(MAX_CLASSES, len(self.filled) / MIN_ROWS_A_CLASS) and not self.is_text


def guess(table: Table, label: str | None = None, text: str | None = None) -> Roles:
    """The roles of a table's columns; `label` and `text` are taken as given.

    Raises:
        DataError: a given column is not there, or it takes a person to say which column is the label.
    """
    for name, option in ((label, "--label"), (text, "--text")):
        if name is not None:
            table.column(name, option)
    columns = [_Column(name, _filled(cells.tolist())) for name, cells in table.columns.items()]
    split = next((it.name for it in columns if it.key in _SPLITS and {*map(str.lower, it.filled)} <= {*PARTS}), None)
    open_ = [it for it in columns if it.name not in (split, text)]
    found = label or _label(open_, table)
    texts = [it for it in open_ if it.name != found and it.is_text]
    numbers = sum(it.is_numeric for it in open_ if it.name != found)
    # A name or an address beside many numbers makes no text of a table.
    likely = [it for it in texts if it.key in _TEXTS or numbers < _MANY_NUMBERS]
    best = text or max(likely, key=lambda it: (it.key in _TEXTS, it.characters), default=_Column("", ())).name or None
    return Roles(found, best, split, tuple(it.name for it in texts if it.name != best))


def _label(columns: Sequence[_Column], table: Table) -> str:
    surely = [it.name for it in columns if it.key in _LABELS]
    likely = [it.name for it in columns if it.key in _OFTEN_LABELS and it.may_be_label]
    for named in (surely, likely):
        if len(named) == 1:
            return named[0]
    possible = [it for it in columns if it.may_be_label]
    if len(possible) == 1:
        return possible[0].name
    if possible:
        them = "; ".join(f"{it.name!r} with {it.different} different values" for it in possible[:10])
        raise DataError(f"{table.where}: more than one column may be the label: {them}. Name it with --label.")
    raise DataError(
        f"{table.where}: no column looks like a label, a few values that come up {MIN_ROWS_A_CLASS} times or more. "
        f"Its columns are {listed(table.columns)}. Name it with --label."
    )


def _filled(cells: Sequence[str]) -> tuple[str, ...]:
    words = (cell.strip() for cell in cells)
    return tuple(word for word in words if word.lower() not in HOLES)
