"""`limbeck datasets`: the named public sets."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer
from rich.table import Table

from distill.commands.console import JsonOption, QuietOption, output


def datasets(as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """List the named public sets, with size, licence and purpose."""
    from distill.recipe.public_sets import CATALOGUE

    if as_json:
        typer.echo(json.dumps([asdict(named) for named in CATALOGUE], ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "task", "rows", "size", "licence", "purpose"):
        table.add_column(heading, overflow="fold")
    for named in CATALOGUE:
        table.add_row(named.name, named.task, f"{named.rows:,}", named.size, named.licence, named.purpose)
    output().print(table)
