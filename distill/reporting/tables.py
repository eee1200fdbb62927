"""Tables of results, for a terminal and for a Markdown file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from distill import cache
from handler.bundle.contract import Metric


@dataclass(frozen=True)
class Sheet:
    """A table of words: the first column is text, the others are mostly numbers."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def without_empty(sheet: Sheet) -> Sheet:
    """The table without columns in which no row says anything."""
    kept = [i for i in range(len(sheet.headings)) if i == 0 or any(row[i] for row in sheet.rows)]
    rows = tuple(tuple(row[i] for i in kept) for row in sheet.rows)
    return Sheet(sheet.title, tuple(sheet.headings[i] for i in kept), rows)


def show(sheets: Sequence[Sheet], console: Console) -> None:
    """Print the tables one below the other."""
    for sheet in sheets:
        table = Table(box=None, pad_edge=False, title=sheet.title, title_justify="left", title_style="bold")
        for place, heading in enumerate(sheet.headings):
            table.add_column(heading, justify="right" if place else "left", no_wrap=True)
        for row in sheet.rows:
            table.add_row(*row)
        # A table that is cut says less than one that the terminal wraps.
        console.width = max(console.width, _width(sheet))
        console.print(table)
        console.print()


def write(sheets: Sequence[Sheet], path: Path) -> None:
    """Write the tables as Markdown, by rename."""
    parts = []
    for sheet in sheets:
        lines = [f"**{sheet.title}**", "", _line(sheet.headings)]
        lines.append(_line(["---", *["---:"] * (len(sheet.headings) - 1)]))
        lines += [_line(row) for row in sheet.rows]
        parts.append("\n".join(lines) + "\n")
    write_text("\n".join(parts), path)


def write_text(text: str, path: Path) -> None:
    """Write a UTF-8 file by rename."""
    with cache.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o644)


def interval(metric: Metric, sign: str = "") -> str:
    """Value, and the 95% interval in brackets."""
    return f"{metric.value:{sign}.3f} ({metric.low:{sign}.3f} to {metric.high:{sign}.3f})"


def cost(value: float | None) -> str:
    """A number of kilobytes or microseconds; nothing where it was not measured."""
    return "" if value is None else f"{value:,.0f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _width(sheet: Sheet) -> int:
    widths = [max(len(row[i]) for row in (sheet.headings, *sheet.rows)) for i in range(len(sheet.headings))]
    return sum(widths) + 2 * len(widths) + 2
