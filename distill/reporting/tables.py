"""Tables of results, for a terminal and for a Markdown file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rich.table
from rich.console import Console

from distill import cache
from handler.bundle.contract import Metric

_WIDEST = 10_000  # columns of a terminal


@dataclass(frozen=True)
class Table:
    """A table of words: the first column is text, the others are mostly numbers."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def without_empty(table: Table) -> Table:
    """The table without columns in which no row says anything."""
    kept = [i for i in range(len(table.headings)) if i == 0 or any(row[i] for row in table.rows)]
    headings, *rows = (tuple(row[i] for i in kept) for row in (table.headings, *table.rows))
    return Table(table.title, headings, tuple(rows))


def show(tables: Sequence[Table], console: Console) -> None:
    """Print the tables one below the other."""
    for number, table in enumerate(tables):
        drawn = rich.table.Table(box=None, pad_edge=False, title=table.title, title_justify="left", title_style="bold")
        for place, heading in enumerate(table.headings):
            drawn.add_column(heading, justify="right" if place else "left", no_wrap=True)
        for row in table.rows:
            drawn.add_row(*row)
        # A table that is cut says less than one that the terminal wraps.
        widest = console.options.update(max_width=_WIDEST)
        console.width = max(console.width, console.measure(drawn, options=widest).maximum)
        if number:
            console.print()
        console.print(drawn)


def as_json(tables: Sequence[Table]) -> list[dict[str, object]]:
    """The tables for a script: a title, and an object a row."""
    return [{"title": it.title, "rows": [dict(zip(it.headings, row, strict=True)) for row in it.rows]} for it in tables]


def write(tables: Sequence[Table], path: Path, said: Sequence[str] = ()) -> None:
    """Write the tables as Markdown, by rename. `said`: sentences that stand above them, in a list."""
    parts = ["".join(f"- {line}\n" for line in said)] if said else []
    for table in tables:
        ruler = ["---", *["---:"] * (len(table.headings) - 1)]
        rows = ((cell.replace("|", "\\|") for cell in cells) for cells in (table.headings, ruler, *table.rows))
        parts.append("\n".join([f"**{table.title}**", "", *(f"| {' | '.join(row)} |" for row in rows)]) + "\n")
    write_text("\n".join(parts), path)


def write_text(text: str, path: Path) -> None:
    """Write a UTF-8 file by rename."""
    with cache.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o644)


def interval(metric: Metric, sign: str = "") -> str:
    """Value, and the 95% interval in brackets."""
    return f"{metric.value:{sign}.3f} ({metric.low:{sign}.3f} to {metric.high:{sign}.3f})"


def cost(value: float | None, digits: int = 0) -> str:
    """A number of kilobytes or microseconds; nothing where it was not measured."""
    return "" if value is None else f"{value:,.{digits}f}"
