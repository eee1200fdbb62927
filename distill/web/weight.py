"""What the page weighs, as a table."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from distill.web.site import Site


def show(site: Site, console: Console) -> None:
    """Print the page's files, the heaviest first, and what a first visit fetches."""
    table = Table(box=None, pad_edge=False)
    table.add_column("file")
    for heading in ("KB", "KB gzip"):
        table.add_column(heading, justify="right")
    for file in site.files:
        table.add_row(file.name, _kilobytes(file.size), _kilobytes(file.gzip_size))
    first = [file for file in site.files if file.is_precached]
    total = [sum(file.size for file in first), sum(file.gzip_size for file in first)]
    table.add_row("first visit, then kept", *map(_kilobytes, total), style="bold")
    console.print(table)
    console.print(f"page {site.folder}/index.html of {site.manifest.name} {site.manifest.version}", soft_wrap=True)
    console.print(
        f"switch to {site.calls}" if site.calls else "no switch to a server (--api URL adds one)", soft_wrap=True
    )


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.1f}"
