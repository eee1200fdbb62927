"""What the page weighs, as a table."""

from __future__ import annotations

from rich.console import Console

from distill.reporting import tables
from distill.reporting.tables import Table, cost
from distill.web.site import Site


def show(site: Site, console: Console) -> None:
    """Print the page's files, the heaviest first, and what a first visit fetches."""
    rows = [(file.name, file.size, file.gzip_size) for file in site.files]
    first = [file for file in site.files if file.is_precached]
    rows.append(("first visit, then kept", sum(file.size for file in first), sum(file.gzip_size for file in first)))
    cells = tuple((name, *(cost(size / 1000, 1) for size in sizes)) for name, *sizes in rows)
    tables.show([Table("", ("file", "KB", "KB gzip"), cells)], console)
    console.print(f"page {site.folder}/index.html of {site.manifest.name} {site.manifest.version}", soft_wrap=True)
    console.print(
        f"switch to {site.calls}" if site.calls else "no switch to a server (--api URL adds one)", soft_wrap=True
    )
