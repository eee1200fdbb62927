"""`python -m distill run`: from a recipe to a sealed bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distill.commands.console import RecipeArgument, SetOption, output


def run(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option(help="The folder that bundles go to.")] = Path("bundles"),
    set_: SetOption = None,
) -> None:
    """Make a sealed bundle from a recipe. Exit status: 0 sealed; 2 recipe or data wrong; 3 a gate failed."""
    from distill.modalities import resolve

    loaded, base = resolve.load(recipe, set_ or [])

    from distill.evaluation import gates
    from distill.pipeline.run import run as run_pipeline  # torch is seconds to import: not for a wrong recipe
    from distill.reporting import console_summary

    outcome = run_pipeline(loaded, base, out)
    console_summary.show(outcome.evidence, outcome.gates, outcome.folder, output())
    gates.demand(outcome.gates)
