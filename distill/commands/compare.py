"""`limbeck compare`: students beside their teacher and the classifiers of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from distill.commands.console import JsonOption, QuietOption, RecipeArgument, SetOption, output, say


def compare(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option(help="The folder that tables go to, as Markdown.")] = Path("reports"),
    rung: Annotated[
        list[str] | None,
        typer.Option(
            help="A student of the ladder, as often as needed: of texts static-32, bag-64, static-64, conv-128, "
            "gru-96, gru-192, mini-1 or mini-2; of pictures dsconv-64, blocks-5, dsconv-128, blocks-7, blocks-10; "
            "of columns mlp-16, mlp-128, embedded-128 or embedded-256. "
            "Default: one of each kind."
        ),
    ] = None,
    settings: Annotated[int, typer.Option(min=1, max=10, help="How many settings each peer may try.")] = 4,
    seeds: Annotated[int, typer.Option(min=1, max=10, help="Under how many seeds each student is taught.")] = 3,
    set_: SetOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Judge the ladder of students beside its teacher and other people's classifiers. Exit status: 0; 2 wrong."""
    from distill.modalities import resolve

    loaded, base = resolve.load(recipe, set_ or [])

    from distill.experiments import compare as comparing
    from distill.experiments import comparison_tables
    from distill.reporting import tables

    found = comparing.run(loaded, base, tuple(rung or ()), settings, seeds)
    made = comparison_tables.of(found)
    said = comparison_tables.verdicts(found)
    tables.write(made, out / loaded.name / "compare.md")
    if as_json:
        typer.echo(json.dumps({"said": list(said), "tables": tables.as_json(made)}, ensure_ascii=False))
        return
    tables.show(made, output())
    for line in said:
        say(line)
    say(f"tables {out / loaded.name / 'compare.md'}")
