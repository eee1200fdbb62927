"""`limbeck init`: a first recipe for somebody's own data."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from distill import progress
from distill.commands.console import QuietOption, say


def init(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A CSV, JSON Lines or Parquet file, the folder of one, or of pictures."),
    ],
    out: Annotated[Path | None, typer.Option(help="The recipe's file. Default: the data's name, here.")] = None,
    label: Annotated[str | None, typer.Option(help="The column of classes. Default: what looks like it.")] = None,
    text: Annotated[
        str | None, typer.Option(help="The column of texts. Default: what looks like it; without one, all columns.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="data.KEY=VALUE",
            help="A key of the data section that a message asks for, as in data.encoding=cp1252, data.group=customer "
            "or data.types.code=category; as often as needed.",
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Look at a file of rows and write a recipe for it. Exit status: 0; 2 the data is wrong, or the recipe is there."""
    from distill.errors import RecipeError
    from distill.pipeline import first_recipe

    recipe = out or Path(f"{data.resolve().stem}.toml")
    if recipe.exists():
        raise RecipeError(f"{recipe} is there already. Name another file with --out, or move it away.")
    found = first_recipe.of(data, recipe, label, text, set_ or ())
    recipe.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(found.text, encoding="utf-8")
    for line in () if progress.console.quiet else found.said:
        say(line)
    say(f"Wrote {recipe}. Next: limbeck run {shlex.quote(str(recipe))}")
