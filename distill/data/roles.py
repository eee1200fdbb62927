"""Which column of a file is probably what, label, text or split: a guess for a first recipe, told to a person."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from distill.data import column_types
from distill.data.checks import MAX_CLASSES, MIN_ROWS_A_CLASS
from distill.data.readers.cells import Table
from distill.data.split import TRAIN, WORDS
from distill.data.wording import listed
from distill.errors import DataError
from handler.modalities import levelling

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
_MIN_WORDS, _MIN_CHARACTERS = 3, 15  # the mean of a column of texts; the second for scripts without spaces
_MIN_DIFFERENT = 0.3  # share of different cells from which long ones are texts and no categories
_MANY_NUMBERS = 3
_IDENTIFIER = re.compile(r"(^|[\W_])(id|uid|uuid|guid)$|(?-i:[a-z]I[dD]$)", re.IGNORECASE)
_MANY_IDENTIFIERS = 20  # fewer are kinds or places, and not whose a row is
_MOST = 0.9  # share of different cells that says what a column is
_DECIMAL = re.compile(r"[+-]?\d*\.\d+")
_NUMBER = re.compile(r"[+-]?[\d.,' ]*\d[\d.,' ]*(e[+-]?\d+)?%?", re.IGNORECASE)


@dataclass(frozen=True)
class Roles:
    """Columns by role."""

    label: str
    text: str | None  # None: the inputs are columns
    split: str | None
    unused: tuple[str, ...]  # columns beside a text


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
    def is_split(self) -> bool:
        """Whether its cells name the parts of a split, training among them, and nothing else."""
        words = {levelling.visible(cell).lower() for cell in set(self.filled)}
        parts = {WORDS.get(word) for word in words}
        return None not in parts and TRAIN in parts and len(parts) > 1

    @property
    def is_date(self) -> bool:
        different = set(self.filled)
        return sum(map(column_types.is_date, different)) > _MOST * max(1, len(different))

    @property
    def is_identifier(self) -> bool:
        """Whether it says whose row it is, by its name."""
        return _IDENTIFIER.search(self.name) is not None and self.different >= _MANY_IDENTIFIERS

    @property
    def holds_its_name(self) -> bool:
        return levelling.label(self.name) in set(map(levelling.label, set(self.filled)))

    @property
    def may_be_label(self) -> bool:
        """Few different cells, each of them often enough to be learned."""
        return 2 <= self.different <= min(MAX_CLASSES, len(self.filled) / MIN_ROWS_A_CLASS) and not self.is_text


def guess(table: Table, label: str | None = None, text: str | None = None, split: str | None = None) -> Roles:
    """The roles of a table's columns; `label`, `text` and `split` are taken as given.

    Raises:
        DataError: a given column is not there, or it takes a person to say which column is the label.
    """
    for name, option in ((label, "--label"), (text, "--text"), (split, "data.split")):
        if name is not None:
            table.column(name, option)
    columns = _columns(table)
    split = split or next((it.name for it in columns if it.is_split and it.name not in (label, text)), None)
    open_ = [it for it in columns if it.name not in (split, text)]
    found = label or _label(open_, table)
    texts = [it for it in open_ if it.name != found and it.is_text]
    numbers = sum(it.is_numeric for it in open_ if it.name != found)
    # A name or an address beside many numbers makes no text of a table.
    likely = [it for it in texts if it.key in _TEXTS or numbers < _MANY_NUMBERS]
    best = text or max(likely, key=lambda it: (it.key in _TEXTS, it.characters), default=_Column("", ())).name or None
    return Roles(found, best, split, tuple(it.name for it in open_ if it.name not in (found, best)))


def refuse_headless(table: Table) -> None:
    """Refuse a file of which the first line is a row, as far as can be told: a label would lose it, and its name.

    Raises:
        DataError: a column that may be the label holds its own name too, or names of numbers are decimals.
    """
    columns = _columns(table)
    numbered = {name for name in table.columns if name.isdigit()} >= {"0", "1"}  # as pandas names columns
    numeric = [it for it in columns if it.is_numeric]
    decimals = [it for it in numeric if _DECIMAL.fullmatch(it.key)]
    twice = [it for it in columns if it.may_be_label and it.holds_its_name]
    if numbered or not (twice or (decimals and all(_NUMBER.fullmatch(it.key) for it in numeric))):
        return
    said = (
        f"column {twice[0].name!r} holds its own name too"
        if twice
        else f"a column of numbers is called {decimals[0].name!r}"
    )
    raise DataError(
        f"{table.where}: the first line looks like a row and not like a header: {said}. Write a line with the columns' "
        "names above it. Where it is the header, name the label with --label."
    )


def left_out(table: Table, names: Sequence[str]) -> dict[str, str]:
    """Of the columns of these names, those that a first recipe does without, each with a note on why."""
    columns = [it for it in _columns(table) if it.name in names]
    dates = {
        it.name: f"column {it.name!r} holds dates and is left out of data.columns: a day that is past teaches nothing "
        "about one to come. Make a month or a number of days of it, and name that"
        for it in columns
        if it.is_date
    }
    identifiers = {
        it.name: f"column {it.name!r} is called an identifier and is left out of data.columns"
        + (
            f". If the rows of one value belong together, set data.group = {json.dumps(it.name, ensure_ascii=False)}"
            if it.different < len(it.filled)
            else ""
        )
        for it in columns
        if it.is_identifier and not it.is_date
    }
    return dates | identifiers


def _columns(table: Table) -> list[_Column]:
    return [_Column(name, _filled(cells.tolist())) for name, cells in table.columns.items()]


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
    return tuple(word for word in words if word.lower() not in levelling.HOLES)
