"""`limbeck sweep`: what each candidate gains, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from distill.commands.console import JsonOption, QuietOption, RecipeArgument, SetOption, output, say


def sweep(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option(help="The folder that the table and the picture go to.")] = Path("reports"),
    set_: SetOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Teach the ladder and draw accuracy against bytes, microseconds and dollars. Exit status: 0; 2 wrong."""
    from distill.modalities import resolve

    loaded, base = resolve.load(recipe, set_ or [])

    from distill.experiments import sweep as sweeping
    from distill.reporting import tables

    found = sweeping.run(loaded, base)
    made = [sweeping.table(found)]
    folder = out / loaded.name
    tables.write(made, folder / "sweep.md")
    tables.write_text(sweeping.figure(found.found), folder / "sweep.svg")
    if as_json:
        typer.echo(json.dumps({"auto": found.chosen, "tables": tables.as_json(made)}, ensure_ascii=False))
        return
    tables.show(made, output())
    taken = found.chosen or "nothing: no student passes the gates on validation rows"
    say(f'student.kind = "auto" takes {taken}')
    say(f"picture {folder / 'sweep.svg'}")
