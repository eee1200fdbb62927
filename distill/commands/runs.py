"""`limbeck runs`: what was run here, side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from distill.commands.console import JsonOption, QuietOption, output


def runs(
    run: Annotated[
        list[int] | None,
        typer.Argument(metavar="RUN", help="Numbers of runs to set side by side. Without any, all are listed."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that bundles went to.")] = Path("bundles"),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """List the runs made here: recipe, versions, evidence and bundle; or set some side by side."""
    from distill.experiments import run_log
    from distill.reporting import tables

    found = run_log.named(run_log.read(out), run or ())
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        tables.show([run_log.side_by_side(found) if run else run_log.listed(found)], output())
