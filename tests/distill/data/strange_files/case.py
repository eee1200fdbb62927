"""One strange file and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.distill.data.files import csv_text


@dataclass(frozen=True)
class Refused:
    """A DataError or RecipeError whose message holds every one of these parts, and none of `never`."""

    parts: tuple[str, ...]
    never: tuple[str, ...] = ()


@dataclass(frozen=True)
class Read:
    """A dataset. What is left at its default is not checked."""

    kinds: Mapping[str, str] | None = None  # every input, as in {"x": "number", "colour": "category"}
    values: Mapping[str, Sequence[object]] = field(default_factory=dict)  # column -> its values, NaN as None
    labels: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()  # parts that stand in some note
    never: tuple[str, ...] = ()  # parts that stand in no note
    quiet: bool = False  # no note on how it was read


@dataclass(frozen=True)
class Case:
    """A file: `content` is what it holds or makes it, `data` the recipe's data section.

    `data.source` is what the file's name ends in and `data.label` is "label", unless `data` says otherwise.
    """

    name: str  # for the report of the test: what is strange
    content: bytes | str | Callable[[], bytes | str]
    expected: Read | Refused
    data: Mapping[str, object] = field(default_factory=dict)
    file: str = "rows.csv"

    @property
    def made(self) -> bytes | str:
        """The file's content."""
        return self.content() if callable(self.content) else self.content


def table(cells: Sequence[object], name: str = "x", delimiter: str = ",") -> str:
    """A CSV file of 60 rows: the cells over and over in one column, a number beside it, and two classes."""
    rows = [(cells[i % len(cells)], i * 1.5, ("no", "yes")[i % 2]) for i in range(60)]
    return csv_text((name, "size", "label"), rows, delimiter)


def texts(sentences: Sequence[str]) -> str:
    """A CSV file of 60 rows: the sentences over and over, each with a number of its own, and two classes."""
    rows = [(f"{sentences[i % len(sentences)]} {i}", ("no", "yes")[i % 2]) for i in range(60)]
    return csv_text(("body", "label"), rows)
