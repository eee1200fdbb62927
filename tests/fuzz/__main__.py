"""`python -m tests.fuzz`, or `make fuzz`: asks a text and a tabular model, and says in tables how they took it.

Exit status 1: a rule was broken, or fewer than 30% of the requests were right enough for a 200.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from distill.packaging.openapi import document as openapi
from handler.bundle import contract
from handler.errors import BundleError
from tests import bundles
from tests.fuzz import campaign
from tests.fuzz.site import Site

LEAST_SHARE = 0.3
_OWN = {"text": ("sentiment", "sentiment-quick"), "tabular": ("breast-cancer",)}  # sealed by `make demo` and the like
_ROOT = Path("bundles")
_MOST_SHOWN = 20
_WIDTH = 120
_EVENT_CHARACTERS = 600


def main(
    requests: Annotated[int, typer.Option(envvar="FUZZ_REQUESTS", min=100, help="Over all bundles.")] = 20_000,
    seed: Annotated[int, typer.Option(envvar="FUZZ_SEED", help="The same seed asks the same.")] = 0,
    bundle: Annotated[list[Path] | None, typer.Option(help="A sealed bundle; may be given several times.")] = None,
) -> None:
    """Ask, check every answer and every log line, and tell."""
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    sites: dict[str, Site] = {}
    with tempfile.TemporaryDirectory() as folder:
        found = {path.name: path for path in bundle} if bundle else dict(_bundles(Path(folder)))
        for place, (name, path) in enumerate(found.items()):
            started = time.perf_counter()
            share = requests // len(found) + (place < requests % len(found))
            sites[name] = campaign.run(path, share, seed)
            took = time.perf_counter() - started
            console.print(f"{name}: {sites[name].tally.requests:,} requests in {took:.0f} s")
    for name, site in sites.items():
        console.print(_table(name, site))
    total = sum(site.tally.requests for site in sites.values())
    share = sum(site.tally.share_of_200s * site.tally.requests for site in sites.values()) / total
    failed = _tell_failures(console, sites)
    digests = ", ".join(site.tally.digest.hexdigest()[:12] for site in sites.values())
    console.print(f"{total:,} requests (seed {seed}, digests {digests}), {share:.1%} answered 200, {failed:,} failures")
    if failed or share < LEAST_SHARE:
        raise typer.Exit(1)


def _bundles(folder: Path) -> Iterator[tuple[str, Path]]:
    """A real bundle of each kind where there is one that this version sealed, else a tiny one."""
    for task, names in _OWN.items():
        for name in names:
            try:
                path = _ROOT / name / (_ROOT / name / "latest").read_text().strip()
                manifest = contract.read(path)
            except (OSError, BundleError):
                continue
            document = openapi.document(manifest.name, manifest.version, manifest.serving)
            if json.loads((path / contract.OPENAPI).read_bytes()) != document:
                continue  # sealed by a version that answered otherwise
            yield name, path
            break
        else:
            make = {"text": bundles.text_bundle, "tabular": bundles.tabular_bundle}[task]
            make(folder / task)
            yield f"tiny {task}", folder / task


def _table(name: str, site: Site) -> Table:
    """Requests and statuses by route, then by source, then of all."""
    routes: dict[str, Counter[int]] = {}
    event_sources: dict[str, Counter[int]] = {}
    for (route, source, status), count in site.tally.statuses.items():
        routes.setdefault(_template(site, route), Counter())[status] += count
        event_sources.setdefault(source, Counter())[status] += count
    everything = sum(event_sources.values(), Counter[int]())
    table = Table("route, then source", "requests", *map(str, sorted(everything)), title=escape(name), box=SIMPLE)
    for column in table.columns[1:]:
        column.justify = "right"
    for rows in (routes, event_sources, {"all": everything}):
        for what, row in sorted(rows.items()):
            cells = [f"{row[status]:,}" if row[status] else "" for status in sorted(everything)]
            table.add_row(escape(what), f"{row.total():,}", *cells)
        table.add_section()
    return table


def _template(site: Site, route: str) -> str:
    """The path with places for the model's name and version."""
    model = next(path for path in site.document["paths"] if path.startswith("/v2/models/")).removeprefix("/v2/models/")
    parts = {model.split("/")[0]: "{name}", site.document["info"]["version"]: "{version}"}
    return "/".join(parts.get(part, part) for part in route.split("/"))


def _tell_failures(console: Console, sites: dict[str, Site]) -> int:
    for name, site in sites.items():
        for failure in list(site.tally.failures.values())[:_MOST_SHOWN]:
            event = escape(failure.event[:_EVENT_CHARACTERS])
            console.print(f"[red]{escape(name)}, {escape(failure.route)}: {escape(failure.rule)}[/red]\n  {event}")
    return sum(site.tally.failed for site in sites.values())


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
