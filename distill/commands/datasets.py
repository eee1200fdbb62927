"""`python -m distill datasets`: the named public sets."""

from __future__ import annotations

from rich.table import Table

from distill.commands.console import output


def datasets() -> None:
    """List the named public sets, with size, licence and purpose."""
    from distill.recipe.public_sets import CATALOGUE

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "task", "rows", "size", "licence", "purpose"):
        table.add_column(heading, overflow="fold")
    for named in CATALOGUE:
        table.add_row(named.name, named.task, f"{named.rows:,}", named.size, named.licence, named.purpose)
    output().print(table)
