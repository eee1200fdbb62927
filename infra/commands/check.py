"""The command check: whether what the template makes is as it must be.

Exit status: 0 all is well; 1 something is not, or SAM's translator is missing; 2 there is no such template.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.commands.console import err, out, table
from infra.image.staging import ROOT
from infra.template.check import KINDS, Checked
from infra.template.check import check as checked

_LONGEST = 40  # characters of a parameter's value that are shown


def register(app: typer.Typer) -> None:
    """Add the commands to a command line."""
    app.command()(check)


def check(
    template: Annotated[Path, typer.Argument(help="A SAM template.")] = ROOT / "template.yaml",
) -> None:
    """Render the template as CloudFormation would, and check what matters of every kind of stack it makes."""
    every = checked(template)
    _print(every)
    found = sum(len(it.findings) for it in every)
    for it in every:
        for finding, kinds in it.findings.items():
            where = f"{finding.where} ({', '.join(kinds)})"
            err.print(f"{it.rule.name}: {where} {finding.found}. To do: {finding.todo}.", markup=False)
    if found:
        raise typer.Exit(1)


def _print(every: list[Checked]) -> None:
    shown = table("rule", "kinds of stack", "found", right=("kinds of stack",))
    for it in every:
        wrong = {kind for kinds in it.findings.values() for kind in kinds}
        held = f"{len(KINDS) - len(wrong)} of {len(KINDS)}"
        shown.add_row(
            it.rule.name, held, f"[red]{len(it.findings)} wrong[/red]" if it.findings else "[green]holds[/green]"
        )
    out.print(shown)
    for kind, parameters in KINDS.items():
        said = ", ".join(f"{name}={_short(value)}" for name, value in parameters.items())
        out.print(f"{kind}: {said or 'no parameter'}", style="dim", markup=False)


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
