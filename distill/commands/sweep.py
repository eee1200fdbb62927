"""`limbeck sweep`: what each candidate gains, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distill.commands.console import QuietOption, RecipeArgument, SetOption, output, say


def sweep(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option(help="The folder that the table and the picture go to.")] = Path("reports"),
    set_: SetOption = None,
    quiet: QuietOption = False,
) -> None:
    """Teach the ladder and draw accuracy against bytes, microseconds and dollars. Exit status: 0; 2 wrong."""
    from distill.modalities import resolve

    loaded, base = resolve.load(recipe, set_ or [])

    from distill.experiments import sweep as sweeping
    from distill.reporting import tables

    found = sweeping.run(loaded, base)
    made = [sweeping.table(found)]
    tables.show(made, output())
    folder = out / loaded.name
    tables.write(made, folder / "sweep.md")
    tables.write_text(sweeping.figure(found.found), folder / "sweep.svg")
    taken = found.chosen or "nothing: no student passes the gates on validation rows"
    say(f'student.kind = "auto" takes {taken}')
    say(f"picture {folder / 'sweep.svg'}")
