"""Standard output and standard error, as every command writes to them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console

from distill import progress

_WIDTH = 110


def _recipes(incomplete: str) -> list[str]:
    """What a recipe argument may go on as: built-in names, and TOML files and folders here."""
    from distill.recipe import load

    here = Path(incomplete).parent if "/" in incomplete else Path()
    found = [path for path in here.glob("*") if path.is_dir() or path.suffix == ".toml"]
    names = [*load.built_in(), *sorted(f"{path}/" if path.is_dir() else str(path) for path in found)]
    return [name for name in names if name.startswith(incomplete)]


def _keys(incomplete: str) -> list[str]:
    """What a --set may go on as: every key of a recipe."""
    from distill.recipe.messages import sections
    from distill.recipe.schema import Recipe

    known = [f"{section}.{key}=" for section, keys in sections(Recipe).items() if section for key in keys]
    return [key for key in known if key.startswith(incomplete)]


RecipeArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="RECIPE",
        help="A recipe file, or the name of a built-in one: breast-cancer, clothing, clothing-quick, "
        "debian-sections, debian-sections-quick, fashion-mnist, fashion-mnist-quick, sentiment or sentiment-quick.",
        autocompletion=_recipes,
    ),
]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Another value for a key of the recipe, as in student.kind=gru; as often as needed. The sections are "
        "data, teacher, transfer, student, serving, evaluation and gates; Tab completes their keys.",
        autocompletion=_keys,
    ),
]


def _quieten(quiet: bool) -> None:
    if quiet:
        progress.console.quiet = True


QuietOption: TypeAlias = Annotated[
    bool,
    typer.Option("--quiet", "-q", callback=_quieten, help="No progress on standard error: results and errors alone."),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]

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
