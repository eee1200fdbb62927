"""`limbeck recipes`: the recipes that come with Limbeck."""

from __future__ import annotations

import json

import typer

from distill.commands.console import JsonOption, QuietOption, output


def recipes(as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """List the built-in recipes: what each is about and how long it takes. `limbeck run NAME` runs one."""
    from distill.recipe import load

    found = [(name, load.about(name)) for name in load.built_in()]
    if as_json:
        typer.echo(json.dumps([{"name": name, "about": about} for name, about in found], ensure_ascii=False))
    else:
        for name, about in found:
            output().print(name, style="bold")
            output().print(about, markup=False)
