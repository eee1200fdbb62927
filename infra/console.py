"""What every command line of infra prints with: standard output and error, plain tables, and errors in one message."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.table import Table

from handler.errors import BundleError
from infra.errors import ConfigError, InfraError, RefusedError

_LEAST = 18  # characters of a column that is folded
_WIDE = 160  # where nobody's terminal sets a width: a file, a pipe
out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def table(
    *headings: str,
    rows: Iterable[Iterable[RenderableType]],
    right: tuple[str, ...] = (),
    fold: tuple[str, ...] = (),
) -> Table:
    """A plain table. The headings in `right` are of numbers; those in `fold` give way where the terminal is narrow."""
    made = Table(box=None, pad_edge=False)
    for heading in headings:
        made.add_column(
            heading,
            justify="right" if heading in right else "left",
            overflow="fold",
            no_wrap=heading not in fold,
            min_width=_LEAST if heading in fold else None,
        )
    for row in rows:
        made.add_row(*row)
    return made


class Lines:
    """A line a step on standard output; what is under way spins on standard error, where that is a terminal."""

    def __init__(self) -> None:
        """Nothing is shown yet."""
        self._title = ""
        self._status = err.status("")

    def step(self, title: str, what: str, there: bool) -> None:
        """A step begins; one that is done already is only passed by."""
        self._title = title
        if there:
            self._line("there already")
        else:
            self._status.update(f"{title}: {what}")
            self._status.start()

    def done(self, what: str) -> None:
        """The step that began is done, with this result."""
        self.stop()
        self._line(what)

    def progress(self, what: str) -> None:
        """The step that began is under way, and has come so far."""
        self._status.update(f"{self._title}: {what}")
        self._line(what)

    def stop(self) -> None:
        """Nothing is under way any more."""
        self._status.stop()

    def _line(self, what: str) -> None:
        out.print(f"{self._title:12} {what}", markup=False)


@contextmanager
def plain_errors(os_status: int = ConfigError.exit_status) -> Iterator[None]:
    """Print every expected error as one message, never a traceback, and end with its exit status.

    `os_status`: that of a file that cannot be read or written.
    """
    try:
        yield
    except (InfraError, BundleError) as error:
        err.print(str(error), style="red", markup=False)
        raise SystemExit(error.exit_status if isinstance(error, InfraError) else RefusedError.exit_status) from None
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        said = f"{about}{error.strerror or error}. Check the path and run the command again."
        err.print(said, style="red", markup=False)
        raise SystemExit(os_status) from None
