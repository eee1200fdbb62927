"""Progress of long work: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import track as rich_track

T = TypeVar("T")

console = Console(stderr=True, highlight=False)
_SECONDS_BETWEEN_LINES = 15.0


def track(items: Iterable[T], description: str, total: int | None = None, done: int = 0) -> Iterator[T]:
    """Yield `items`, showing how far they are; `done` of `total` were finished by an earlier run."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    if console.quiet:
        yield from items
        return
    if console.is_terminal:
        yield from rich_track(items, description, total=total, completed=done, console=console, transient=True)
        return
    began = said = time.monotonic()
    for count, item in enumerate(items, start=done + 1):
        yield item
        now = time.monotonic()
        if now - said >= _SECONDS_BETWEEN_LINES:
            said = now
            left = f", about {(now - began) / (count - done) * (total - count):.0f} s left" if total else ""
            console.print(f"  {description}: {count}/{total or '?'}{left}")


@contextmanager
def quiet() -> Iterator[None]:
    """Say nothing inside: of work that is done over and over, its caller says how far it is."""
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before


@contextmanager
def waiting(description: str) -> Iterator[None]:
    """Show that another program is at work, and for how long: nobody knows how far it is."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        progress.add_task(description, total=None)
        yield


def say(text: str) -> None:
    """One line for the person at the terminal."""
    console.print(text, markup=False, soft_wrap=True)
