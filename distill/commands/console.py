"""Standard output and standard error, as every command writes to them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console

_WIDTH = 110

RecipeArgument: TypeAlias = Annotated[Path, typer.Argument(help="A recipe file, or the name of a built-in one.")]
SetOption: TypeAlias = Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as often as needed.")]

errors = Console(stderr=True, highlight=False)


class _Output(Console):
    """Standard output. That nobody reads on (`| head`) changes neither the work nor the exit status."""

    def on_broken_pipe(self) -> None:
        """Write into nothing from here on."""
        close_output()


def output() -> Console:
    """Standard output, wide enough for a table where it is a pipe."""
    console = _Output(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH  # a pipe has none, and eighty columns would cut the table
    return console


def say(line: str) -> None:
    """Print a line as it is."""
    output().print(line, soft_wrap=True, markup=False)


def close_output() -> None:
    """Let what is still written go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
