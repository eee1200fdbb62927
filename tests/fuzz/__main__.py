"""`python -m tests.fuzz`, or `make fuzz`: asks a text and a tabular model, and says in tables how they took it.

Exit status 1: a rule was broken, or fewer than 30% of the requests were right enough for a 200.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handler import contract, openapi
from handler.errors import BundleError
from tests import bundles
from tests.fuzz import campaign
from tests.fuzz.site import Site

LEAST_SHARE = 0.3
_OWN = {"text": ("sentiment", "sentiment-quick"), "tabular": ("breast-cancer",)}  # sealed by `make demo` and the like
_ROOT = Path("bundles")
_MOST_SHOWN = 20
_EVENT_CHARACTERS = 600


def main(
    requests: Annotated[int, typer.Option(envvar="FUZZ_REQUESTS", min=100, help="Over all bundles.")] = 20_000,
    seed: Annotated[int, typer.Option(envvar="FUZZ_SEED", help="The same seed asks the same.")] = 0,
    bundle: Annotated[list[Path] | None, typer.Option(help="A sealed bundle; may be given several times.")] = None,
) -> None:
    """Ask, check every answer and every log line, and tell."""
    console = Console()
    sites: dict[str, Site] = {}
    with tempfile.TemporaryDirectory() as folder:
        found = {str(path): path for path in bundle} if bundle else dict(_bundles(Path(folder)))
        for place, (name, path) in enumerate(found.items()):
            started = time.perf_counter()
            share = requests // len(found) + (place < requests % len(found))
            sites[name] = campaign.run(path, share, seed)
            took = time.perf_counter() - started
            console.print(f"{name}: {sites[name].tally.requests:,} requests in {took:.0f} s")
    console.print(_table("by route", sites, lambda name, route, door: (name, _template(sites[name], route))))
    console.print(_table("by door", sites, lambda name, route, door: (name, door)))
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


def _table(title: str, sites: dict[str, Site], group: object) -> Table:
    counts: dict[tuple[str, str], Counter[int]] = {}
    for name, site in sites.items():
        for (route, door, status), count in site.tally.statuses.items():
            counts.setdefault(group(name, route, door), Counter())[status] += count  # type: ignore[operator]
    statuses = sorted({status for row in counts.values() for status in row})
    table = Table("bundle", title.removeprefix("by "), "requests", *map(str, statuses), title=f"Answers {title}")
    for column in table.columns[2:]:
        column.justify = "right"
    for (name, what), row in counts.items():
        cells = [f"{row[status]:,}" if row[status] else "" for status in statuses]
        table.add_row(name, escape(what), f"{row.total():,}", *cells)
    return table


def _template(site: Site, route: str) -> str:
    info = site.document["info"]
    name = next((path.split("/")[3] for path in site.document["paths"] if path.startswith("/v2/models/")), "")
    return route.replace(f"/v2/models/{name}", "/v2/models/{name}").replace(info["version"], "{version}")


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
