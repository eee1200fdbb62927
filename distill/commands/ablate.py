"""`limbeck ablate`: what each ingredient of a recipe gains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from distill.commands.console import JsonOption, QuietOption, RecipeArgument, SetOption, output, say


def ablate(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option(help="The folder that the table goes to, as Markdown.")] = Path("reports"),
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="An ingredient to try, as often as needed: 'the teacher itself', 'copies of the rows', "
            "'like words in copies', 'slips in copies', 'a public list of words', 'cross-fitted labels', "
            "\"raters' votes\", 'the mean of several teachers', 'letters of unknown words', 'misspelt words mended', "
            "'labels softened by T', 'gold labels beside', 'four bits, not eight' or 'a start from the teacher'. "
            "Default: all that the recipe has."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=10, help="Under how many seeds each student is taught.")] = 3,
    set_: SetOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Teach the recipe's student with and without each of its ingredients. Exit status: 0; 2 wrong."""
    from distill.modalities import resolve

    loaded, base = resolve.load(recipe, set_ or [])

    from distill.experiments import ablate as ablating
    from distill.reporting import tables

    made = [ablating.run(loaded, base, tuple(only or ()), seeds)]
    tables.write(made, out / loaded.name / "ablation.md")
    if as_json:
        typer.echo(json.dumps({"tables": tables.as_json(made)}, ensure_ascii=False))
        return
    tables.show(made, output())
    say(f"table {out / loaded.name / 'ablation.md'}")
