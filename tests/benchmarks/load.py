"""`make load`: how evenly the function answers, and whether its memory stays where it is.

The function runs under the Lambda runtime emulator. Durations are the function's own: `duration_ms` of its log lines,
event to answer, and beside it what the emulator reports, which has the log lines and the way there and back within it.

One at a time: one environment, the next request when the last is answered; some 50,000 of them, each with another text,
so that whatever remembers requests is found. Eight at a time: Lambda gives each request that is under way an
environment of its own, so there are eight, and a client for each, which waits at random between its requests: all
eight would otherwise fight for this machine's few processors, as environments in Lambda do not.

Exit status 1: p99 is over four times p50, or the memory grew.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from handler.bundle import contract
from handler.bundle.versions import newest
from handler.errors import BundleError
from infra.errors import LocalError
from infra.local.emulator import INVOKE, Emulator

MAX_P99_OVER_P50 = 4.0
MAX_GROWTH_MEGABYTES = 3.0
_ENVIRONMENTS = 8
_WARM_UP = 200  # requests at the start that are not timed
_SETTLED = 0.1  # share of the requests after which memory has to stay
_SAMPLES = 20
_MEAN_PAUSE_SECONDS = 0.1
_TEXT = "The plot is thin, but the cast is wonderful: {}"
_DURATION = re.compile(rb'"duration_ms":([0-9.]+)')
_REPORTED = re.compile(rb"\tDuration: ([0-9.]+) ms")
console = Console(width=110, highlight=False)


@dataclass(frozen=True)
class Durations:
    """Milliseconds, of every request after the warm-up."""

    handler: Sequence[float]
    emulator: Sequence[float]


@dataclass(frozen=True)
class Memory:
    """Resident megabytes of the function's process, after so many requests."""

    requests: Sequence[int]
    megabytes: Sequence[float]

    @property
    def settled(self) -> Memory:
        """Without what came before it settled."""
        last = self.requests[-1]
        kept = [i for i, count in enumerate(self.requests) if count >= _SETTLED * last]
        return Memory([self.requests[i] for i in kept], [self.megabytes[i] for i in kept])

    @property
    def growth(self) -> float:
        """The last less the first."""
        return self.megabytes[-1] - self.megabytes[0]

    @property
    def slope(self) -> float:
        """Megabytes per 10,000 requests, by least squares."""
        return statistics.linear_regression(self.requests, self.megabytes).slope * 10_000


class Client:
    """One caller of one environment."""

    def __init__(self, emulator: Emulator) -> None:
        """Connect; the environment starts with the first event."""
        self._emulator = emulator
        self._connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=60)
        self._sent = 0

    def send(self, count: int, mean_pause_seconds: float = 0.0) -> None:
        """Send that many requests, one after the other.

        Raises:
            LocalError: an answer was no 200.
        """
        for _ in range(count):
            if mean_pause_seconds:
                time.sleep(random.expovariate(1 / mean_pause_seconds))
            self._sent += 1
            event = {
                "httpMethod": "POST",
                "path": "/predict",
                "headers": {"content-type": "application/json", "accept": "application/json"},
                "body": json.dumps({"inputs": _TEXT.format(self._sent)}),
            }
            self._connection.request("POST", INVOKE, json.dumps(event))
            answer = json.loads(self._connection.getresponse().read())
            if answer.get("statusCode") != 200:
                raise LocalError(f"The function did not answer 200, but: {json.dumps(answer)[:800]}")

    def resident_megabytes(self) -> float:
        """Memory of the function's process."""
        status = Path(f"/proc/{self._emulator.function_pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 / 1e6  # type: ignore[index]

    def durations(self) -> Durations:
        """Of everything sent so far."""
        handler: list[float] = []
        emulator: list[float] = []
        with self._emulator.log_path.open("rb") as log:
            for line in log:
                if found := _DURATION.search(line):
                    handler.append(float(found[1]))
                elif found := _REPORTED.search(line):
                    emulator.append(float(found[1]))
        return Durations(handler[_WARM_UP:], emulator[_WARM_UP:])


def main(
    bundle: Annotated[Path, typer.Argument(help="A sealed text bundle, or the folder of its versions.")],
    requests: Annotated[int, typer.Option(min=1000, help="To one environment, one at a time.")] = 50_000,
    each: Annotated[int, typer.Option(min=500, help="To each of eight environments, side by side.")] = 1_000,
) -> None:
    """Print durations and memory, and fail where they are out of bounds."""
    try:
        folder = newest(bundle)
        if contract.read(folder).serving.task != "text":
            raise LocalError(f"{folder} is no text bundle. Use one such as sentiment-quick.")
        alone, memory = _one_at_a_time(folder, requests)
        together = _eight_at_a_time(folder, each)
    except (BundleError, LocalError) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from None
    _show({"1 at a time": alone, f"{_ENVIRONMENTS} at a time": together}, memory)
    problems = list(_problems(alone, together, memory))
    for problem in problems:
        console.print(problem, style="red", markup=False)
    raise typer.Exit(1 if problems else 0)


def _one_at_a_time(bundle: Path, requests: int) -> tuple[Durations, Memory]:
    with Emulator(bundle) as emulator:
        client = Client(emulator)
        client.send(_WARM_UP)
        counts, megabytes = [_WARM_UP], [client.resident_megabytes()]
        for _ in track(range(_SAMPLES), "one at a time", console=console, transient=True):
            client.send(requests // _SAMPLES)
            counts.append(counts[-1] + requests // _SAMPLES)
            megabytes.append(client.resident_megabytes())
        return client.durations(), Memory(counts, megabytes)


def _eight_at_a_time(bundle: Path, each: int) -> Durations:
    with ExitStack() as stack:
        clients = [Client(stack.enter_context(Emulator(bundle))) for _ in range(_ENVIRONMENTS)]
        for client in clients:  # started in turn: eight starts at once are another question
            client.send(_WARM_UP)
        console.print(f"{_ENVIRONMENTS} at a time: {each:,} requests each", style="dim")
        with ThreadPoolExecutor(_ENVIRONMENTS) as pool:
            for _ in pool.map(lambda client: client.send(each, _MEAN_PAUSE_SECONDS), clients):
                pass
        made = [client.durations() for client in clients]
    return Durations(
        [value for durations in made for value in durations.handler],
        [value for durations in made for value in durations.emulator],
    )


def _show(runs: dict[str, Durations], memory: Memory) -> None:
    table = Table(title="one short text, ms", title_justify="left", box=None)
    for heading in ("", "requests", "p50", "p99", "p99 / p50", "p99.9", "largest", "with log lines: p50", "p99"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, run in runs.items():
        p50, p99, p999 = (_quantile(run.handler, level) for level in (0.5, 0.99, 0.999))
        outside = (f"{_quantile(run.emulator, level):.2f}" for level in (0.5, 0.99))
        numbers = (f"{p50:.3f}", f"{p99:.3f}", f"{p99 / p50:.2f}", f"{p999:.3f}", f"{max(run.handler):.1f}")
        table.add_row(name, f"{len(run.handler):,}", *numbers, *outside)
    console.print(table)
    shown = " ".join(f"{megabytes:.1f}" for megabytes in memory.megabytes[:: _SAMPLES // 10])
    console.print(f"resident MB from {memory.requests[0]:,} to {memory.requests[-1]:,} requests: {shown}")
    console.print(
        f"after {memory.settled.requests[0]:,}: {memory.settled.growth:+.2f} MB, "
        f"{memory.settled.slope:+.3f} MB per 10,000 requests"
    )
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    console.print(f"{os.cpu_count()} CPUs, load {load}, of which the test itself makes about one")


def _quantile(values: Sequence[float], level: float) -> float:
    return sorted(values)[min(len(values) - 1, int(level * len(values)))]


def _problems(alone: Durations, together: Durations, memory: Memory) -> Iterator[str]:
    for name, run in (("one", alone), ("eight", together)):
        ratio = _quantile(run.handler, 0.99) / _quantile(run.handler, 0.5)
        if ratio > MAX_P99_OVER_P50:
            yield f"p99 / p50 with {name} at a time is {ratio:.2f}, wanted at most {MAX_P99_OVER_P50:g}"
    if memory.settled.growth > MAX_GROWTH_MEGABYTES:
        yield f"The memory grew by {memory.settled.growth:.1f} MB, wanted at most {MAX_GROWTH_MEGABYTES:g}"


if __name__ == "__main__":
    typer.run(main)
