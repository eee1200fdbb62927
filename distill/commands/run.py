"""`limbeck run`: from a recipe to a sealed bundle."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from distill.commands.console import JsonOption, QuietOption, RecipeArgument, SetOption, output


def run(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option(help="The folder that bundles go to.")] = Path("bundles"),
    set_: SetOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make a sealed bundle from a recipe. Exit status: 0 sealed; 2 recipe or data wrong; 3 a gate failed."""
    from distill.modalities import resolve

    loaded, base = resolve.load(recipe, set_ or [])

    from distill.evaluation import gates
    from distill.experiments import run_log
    from distill.pipeline.run import run as run_pipeline  # torch is seconds to import: not for a wrong recipe
    from distill.reporting import console_summary, json_summary

    began = time.monotonic()
    outcome = run_pipeline(loaded, base, out)
    run_log.append(outcome, out, time.monotonic() - began)
    if as_json:
        typer.echo(json.dumps(json_summary.of(outcome.evidence, outcome.gates, outcome.folder), ensure_ascii=False))
    else:
        console_summary.show(outcome.evidence, outcome.gates, outcome.folder, output())
    gates.demand(outcome.gates)
