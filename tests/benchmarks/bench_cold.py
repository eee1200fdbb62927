"""`make bench-cold`: how long the function takes to start, between a floor and a torch handler.

Three images of one model on one base, started afresh in turn, in real containers under the Lambda runtime emulator:

floor   awslambdaric, ONNX Runtime imported and a session made on the same model.onnx
ours    the function's image
torch   awslambdaric, `import torch`, the same student's state dict loaded, a tokenizer in Python

What is timed is what the emulator reports as the init's duration: from the start of the process until it asks for its
first event. The three must give the same answers. Exit status 1: ours is over its budget, or they answer differently.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from handler.bundle import contract
from handler.bundle.versions import newest
from handler.errors import BundleError
from infra.errors import LocalError
from infra.local.emulator import INVOKE, find_emulator, free_port
from tests.benchmarks.cold_images import FLOOR, OURS, TORCH, Docker, Image, build

MAX_OVER_FLOOR = 1.35
MAX_OVER_TORCH = 0.25
TEXTS = (
    "This is the best thing that has happened to me all year, thank you!",
    "I waited two hours, nobody came, and the food was cold. Never again.",
    "The meeting is on Tuesday at 10:30 in room 4.",
    "not good, not good at all :(",
)
_QUIET_SHARE, _PATIENCE_SECONDS = 0.2, 5.0
_SAME = 1e-4  # a score; the student's weights are the same, the arithmetic is another library's
_INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
console = Console(width=110, highlight=False)


@dataclass(frozen=True)
class Start:
    """One cold start."""

    init_ms: float  # process start until the first event is asked for
    answer_ms: float  # the first event sent until its answer came, init within
    resident_megabytes: float
    scores: list[tuple[str, float]]  # label and score of each text


def main(
    bundle: Annotated[Path, typer.Argument(help="A sealed text bundle, or the folder of its versions.")],
    rounds: Annotated[int, typer.Option(min=2, help="Fresh starts of each, in turn; one more goes first.")] = 21,
    torch: Annotated[bool, typer.Option(help="The torch handler, too.")] = True,
) -> None:
    """Print the table, and fail where ours is over its budget."""
    try:
        folder = newest(bundle)
        labels = contract.read(folder).serving.labels
        docker, base, images = build(folder, torch, lambda what: console.print(f"building {what}", style="dim"))
        starts: dict[str, list[Start]] = {image.variant: [] for image in images}
        for place in range(rounds + 1):
            turn = place % len(images)
            for image in images[turn:] + images[:turn]:  # what goes before a start may slow it
                start = _start(docker, image, labels)
                if place:  # the first brings the files into the page cache
                    starts[image.variant].append(start)
    except (BundleError, LocalError) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from None
    _show(images, starts, base)
    problems = [*_differences(starts), *_over_budget(starts)]
    for problem in problems:
        console.print(problem, style="red", markup=False)
    raise typer.Exit(1 if problems else 0)


def _start(docker: Docker, image: Image, labels: tuple[str, ...]) -> Start:
    """Start a container, ask it everything once, and stop it."""
    with _container(docker, image) as (name, port):
        _wait_for_quiet()
        began = time.perf_counter()
        answers = [_ask(port, TEXTS[0])]
        answer_ms = (time.perf_counter() - began) * 1000
        answers += [_ask(port, text) for text in TEXTS[1:]]
        log = docker.logs(name)
        found = _INIT.search(log)
        if found is None:
            raise LocalError(f"The emulator reported no init of {image.tag}. It said: {log[-800:]}")
        return Start(float(found[1]), answer_ms, _resident(docker, name), [_score(one, labels) for one in answers])


@contextmanager
def _container(docker: Docker, image: Image) -> Iterator[tuple[str, int]]:
    """A container with the emulator in front of its handler; the handler starts at the first event."""
    port, name = free_port(), f"limbeck-bench-{os.getpid()}"
    mounts = ["-v", f"{find_emulator()}:/rie:ro", "--network", "host", "--read-only"]
    emulator = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    emulator += ["--runtime-api-address", f"127.0.0.1:{free_port()}"]
    command = [*emulator, "python3", "-m", "awslambdaric", image.handler]
    docker.run("run", "-d", "--rm", "--name", name, *mounts, "--entrypoint", "/rie", image.tag, *command)
    try:
        _wait(port)
        yield name, port
    finally:
        docker.run("kill", name)
        while name in docker.run("ps", "-a", "--filter", f"name={name}", "--format", "{{.Names}}"):
            time.sleep(0.05)


def _wait(port: int) -> None:
    for _ in range(500):
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise LocalError("The emulator did not listen within ten seconds.")


def _wait_for_quiet() -> None:
    """Wait, for a few seconds at most, until the machine has little else to do."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while _busy_share() > _QUIET_SHARE and time.monotonic() < until:
        continue


def _busy_share() -> float:
    """Of all processors, over a tenth of a second."""

    def ticks() -> tuple[int, int]:
        fields = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]]
        return sum(fields), fields[3] + fields[4]  # all; idle, and waiting for a disk

    before = ticks()
    time.sleep(0.1)
    after = ticks()
    return 1 - (after[1] - before[1]) / max(1, after[0] - before[0])


def _ask(port: int, text: str) -> object:
    event = {"httpMethod": "POST", "path": "/predict", "headers": {}, "body": json.dumps({"inputs": text})}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", INVOKE, json.dumps(event))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    if answer.get("statusCode") != 200:
        raise LocalError(f"A handler did not answer 200, but: {json.dumps(answer)[:800]}")
    return json.loads(answer["body"])


def _score(answer: object, labels: tuple[str, ...]) -> tuple[str, float]:
    """Label and score, from either form of answer."""
    if isinstance(answer, list):  # the floor's: probabilities in the model's order
        return labels[answer.index(max(answer))], max(answer)
    prediction = answer["predictions"][0]  # type: ignore[index]
    return prediction["label"], prediction["score"]


def _resident(docker: Docker, name: str) -> float:
    """Memory of the handler's process, in millions of bytes."""
    for line in docker.run("top", name, "-eo", "pid,rss,args").splitlines()[1:]:
        _, kilobytes, command = line.split(None, 2)
        if command.startswith("python3 -m awslambdaric"):
            return int(kilobytes) * 1024 / 1e6
    return float("nan")


def _show(images: list[Image], starts: dict[str, list[Start]], base: str) -> None:
    table = Table(title="cold start, ms", title_justify="left", box=None)
    for heading in ("", "init, median", "quartiles", "first answer", "/ floor", "memory MB", "image MB", "over base"):
        table.add_column(heading, justify="right" if heading else "left")
    floor = _median(starts[FLOOR])
    for image in images:
        made = starts[image.variant]
        low, _, high = statistics.quantiles([start.init_ms for start in made], n=4)
        table.add_row(
            image.variant,
            f"{_median(made):.0f}",
            f"{low:.0f} to {high:.0f}",
            f"{statistics.median(start.answer_ms for start in made):.0f}",
            f"{_median(made) / floor:.2f}",
            f"{statistics.median(start.resident_megabytes for start in made):.0f}",
            f"{image.megabytes:.0f}",
            f"{image.own_megabytes:.0f}",
        )
    console.print(table)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    console.print(
        f"{len(starts[FLOOR])} starts of each, in turn; {base}; {os.cpu_count()} CPUs ({_processor()}); load {load}"
    )


def _median(starts: list[Start]) -> float:
    return statistics.median(start.init_ms for start in starts)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _differences(starts: dict[str, list[Start]]) -> Iterator[str]:
    """Whether all gave the same answers."""
    ours = starts[OURS][0].scores
    for variant, made in starts.items():
        for text, (label, score), (other, value) in zip(TEXTS, ours, made[0].scores, strict=True):
            if label != other or abs(score - value) > _SAME:
                yield f'{variant} says {other} {value:.5f}, ours {label} {score:.5f}: "{text}"'


def _over_budget(starts: dict[str, list[Start]]) -> Iterator[str]:
    over_floor = _median(starts[OURS]) / _median(starts[FLOOR])
    if over_floor > MAX_OVER_FLOOR:
        yield f"ours / floor is {over_floor:.2f}, the budget {MAX_OVER_FLOOR}"
    if TORCH in starts and (over_torch := _median(starts[OURS]) / _median(starts[TORCH])) > MAX_OVER_TORCH:
        yield f"ours / torch is {over_torch:.2f}, the budget {MAX_OVER_TORCH}"


if __name__ == "__main__":
    typer.run(main)
