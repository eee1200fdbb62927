"""Progress of long work: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import track as rich_track

T = TypeVar("T")


class Reporter(Console):
    """Standard error. It knows when it last said something, so that a log hears of long work, and of that once."""

    said = 0.0  # on the monotonic clock

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 - rich's own signature
        """Print, as rich does."""
        super().print(*objects, **options)
        self.said = time.monotonic()


console = Reporter(stderr=True, highlight=False)
_SECONDS_BETWEEN_LINES = 15.0
_SECONDS_OF_SILENCE = 20.0  # a little more: what knows how far it is goes first
_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)


def track(items: Iterable[T], description: str, total: int | None = None, done: int = 0) -> Iterator[T]:
    """Yield `items`, showing how far they are; `done` of `total` were finished by an earlier run."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    if _QUIET.get():
        yield from items
        return
    if console.is_terminal:
        yield from rich_track(items, description, total=total, completed=done, console=console, transient=True)
        return
    began, count = time.monotonic(), done

    def line() -> str:
        taken = (time.monotonic() - began) / (count - done) if count > done else None
        left = f", about {taken * (total - count):.0f} s left" if total and taken is not None else ""
        return f"{description}: {count}/{total or '?'}{left}"

    with _lines(line, _SECONDS_BETWEEN_LINES):
        for item in items:
            yield item
            count += 1


@contextmanager
def quiet() -> Iterator[None]:
    """Say nothing inside: of work that is done over and over, its caller says how far it is."""
    before = _QUIET.set(True)
    try:
        yield
    finally:
        _QUIET.reset(before)


@contextmanager
def waiting(description: str) -> Iterator[None]:
    """Show that something is at work, and for how long: nobody knows how far it is. What is inside may say more."""
    if _QUIET.get():
        yield
    elif console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            progress.add_task(description, total=None)
            yield
    else:
        began = time.monotonic()
        with _lines(lambda: f"{description}: {time.monotonic() - began:.0f} s so far", _SECONDS_OF_SILENCE):
            yield


def say(text: str) -> None:
    """One line for the person at the terminal."""
    if not _QUIET.get():
        console.print(text, markup=False, soft_wrap=True)


@contextmanager
def _lines(line: Callable[[], str], seconds: float) -> Iterator[None]:
    """Print a line whenever nothing was printed for so long, from a thread: one step may take minutes."""
    began, over = time.monotonic(), threading.Event()

    def report() -> None:
        while not over.wait(1.0):
            if time.monotonic() - max(began, console.said) >= seconds:
                console.print(f"  {line()}", markup=False, soft_wrap=True)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
