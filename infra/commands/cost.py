"""The command cost: dollars for some requests behind each event source, for a bundle's student and for its teacher.

Exit status: 0 printed; 2 the arguments are wrong, or there is no bundle with evidence; 4 the bundle was refused.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from handler.bundle import contract
from handler.bundle.versions import newest
from handler.errors import BundleError
from infra.commands.options import JsonOption
from infra.console import err, out, table
from infra.cost import cost as costs
from infra.errors import ConfigError

_OLD_DAYS = 180
_BUNDLES = Path("bundles")


def cost(
    requests: Annotated[float, typer.Option(help="How many, as in 1e6.", min=1, max=1e15)] = 1e6,
    memory: Annotated[int, typer.Option(help="The function's, in MB.", min=128, max=10240)] = 512,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", "-b", help="Its folder, or that of its versions. By default the newest in bundles/."),
    ] = None,
    region: Annotated[str, typer.Option(help="Whose prices: us-east-1 or eu-central-1.")] = "us-east-1",
    architecture: Annotated[costs.Architecture, typer.Option(help="The function's.")] = costs.Architecture.X86_64,
    teacher_memory: Annotated[
        int,
        typer.Option(help="A teacher's function's, in MB. Below one core it is as much slower.", min=128, max=10240),
    ] = costs.CORE_MEGABYTES,
    cold: Annotated[
        float, typer.Option(help="Share of the requests that wait for a start.", min=0, max=1)
    ] = costs.COLD_SHARE,
    logs: Annotated[bool, typer.Option("--logs", help="What CloudWatch charges for the logs, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what requests cost behind a REST API, an HTTP API and a Function URL, and what the teacher's would."""
    manifest = contract.read(newest(bundle)) if bundle else _latest(_BUNDLES)
    prices = costs.prices(region)
    works = costs.works(manifest, memory, teacher_memory)
    bills = [costs.bill(work, prices, requests, architecture, cold) for work in works]
    if as_json:
        rows = [
            {
                "who": work.name,
                "memory_megabytes": work.memory_megabytes,
                "milliseconds": round(work.milliseconds, 3),
                "billed_ms": work.billed_ms,
                "compute": bill.compute,
                "starts": bill.starts,
                "invocations": bill.invocations,
                "total": {source: bill.total(source) for source in costs.EVENT_SOURCES},
                "logs": dict(bill.logs),
            }
            for work, bill in zip(works, bills, strict=True)
        ]
        typer.echo(json.dumps(rows))
    else:
        out.print(
            f"{manifest.name} {manifest.version}: dollars for {requests:,.0f} requests in {region}, {architecture}"
        )
        _print(works, bills, logs)
        _print_assumptions(prices, cold, requests, architecture)


def _latest(folder: Path) -> contract.Manifest:
    """The newest bundle below a folder that this version reads."""
    sealed = sorted(folder.glob(f"*/*/{contract.MANIFEST}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in sealed:
        try:
            return contract.read(path.parent)
        except BundleError:
            continue
    raise ConfigError(
        f"No sealed bundle in {folder}/. Name one with --bundle, or make one: `limbeck run breast-cancer`."
    )


def _print(works: list[costs.Work], bills: list[costs.Bill], logs: bool) -> None:
    numbers = ("MB", "ms", "billed ms", "compute", "starts", "calls", *costs.EVENT_SOURCES)
    rows = [
        (
            work.name,
            f"{work.memory_megabytes:,}",
            f"{work.milliseconds:.2f}",
            f"{work.billed_ms}",
            *map(_dollars, (bill.compute, bill.starts, bill.invocations, *map(bill.total, costs.EVENT_SOURCES))),
        )
        for work, bill in zip(works, bills, strict=True)
    ]
    if logs:
        rows.append(("logs, besides", *[""] * 6, *(_dollars(bills[0].logs[source]) for source in costs.EVENT_SOURCES)))
    out.print(table("", *numbers, rows=rows, right=numbers))
    student, teacher = bills[0], bills[2]
    times = [
        f"{teacher.total(source) / student.total(source):.1f} times behind the {source}"
        for source in costs.EVENT_SOURCES
    ]
    out.print(
        f"At p50 the teacher's requests take {teacher.compute / student.compute:,.0f} times the student's compute; "
        f"the bill is {', '.join(times)}."
    )


def _print_assumptions(prices: costs.Prices, cold: float, requests: float, architecture: costs.Architecture) -> None:
    lines = [
        f"List prices as read on {prices.read_on:%d %B %Y} (infra/cost/prices.toml), without free tier and tax. "
        "Data transfer, X-Ray, alarms and metrics are not counted.",
        "Durations are the evidence's, measured on one whole core of the machine that sealed the bundle, and "
        f"{costs.OVERHEAD_MS} ms for event, log line and metrics. {costs.CORE_MEGABYTES:,} MB are one core; less "
        "memory is as much slower, more is no faster. A millisecond or so that Lambda itself may add is in neither.",
        f"{cold:.1%} of the requests wait for a start, which is billed (AWS: usually under 1%): "
        f"{costs.STUDENT_START_MS:.0f} ms of a core, the teacher's {costs.TEACHER_START_MS:.0f} (`make bench-cold`; "
        "its torch loads a far smaller model, so a teacher takes longer).",
        "The teacher answers one request at a time by one thread, as it was measured. With less memory than one "
        "core's it is slower and costs the same.",
        *(
            ["The durations are x86_64's: on arm64 none were measured."]
            if architecture is costs.Architecture.ARM64
            else []
        ),
        *(
            f"Over {most:,.0f} requests a month, {source}s get cheaper; that is not counted."
            for source, most in costs.FIRST_TIERS.items()
            if requests > most
        ),
    ]
    for line in lines:
        out.print(f"- {line}", style="dim", markup=False)
    if (age := (date.today() - prices.read_on).days) > _OLD_DAYS:
        err.print(f"The prices are {age} days old: check them, and infra/cost/prices.toml says where.", markup=False)


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.1 else f"{amount:.4f}"
