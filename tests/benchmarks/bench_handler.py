"""What a start and a request cost, as ratios within one run on one machine. `make bench` prints them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from handler.api import routes
from handler.api.service import Service
from handler.api.telemetry import Telemetry, make_logger, make_metrics
from handler.bundle.versions import newest
from handler.errors import BundleError
from handler.model.predictor import Predictor
from tests import bundles

STARTS, CALLS, WARM_UP = 11, 2000, 50
ROOT = Path(__file__).parents[2]
SEALED = ROOT / "bundles" / "sentiment-quick"
console = Console()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    bundles.text_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def request_bundle(bundle: Path) -> Path:
    """The model of `make demo` where it is there, else a tiny one."""
    try:
        return newest(SEALED)
    except BundleError:
        return bundle


def _start_ms(code: str, bundle: Path) -> float:
    environment = {**os.environ, "BUNDLE_DIR": str(bundle), "OPENBLAS_NUM_THREADS": "1"}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def _durations_us(calls: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Microseconds of each call, in turn, so that a machine whose speed drifts drifts for all alike."""
    durations: dict[str, list[float]] = {name: [] for name in calls}
    for place in range(WARM_UP + CALLS):
        for name, call in calls.items():
            began = time.perf_counter_ns()
            call()
            if place >= WARM_UP:
                durations[name].append((time.perf_counter_ns() - began) / 1000)
    return durations


def test_a_cold_start_beside_a_bare_one(bundle: Path) -> None:
    """Whole fresh processes, in turn, so that a machine whose speed drifts drifts for all alike.

    With this checkout's packages, where powertools finds boto3 and loads it: `make bench-cold` measures the image.
    """
    programs = {
        "bare Python": "pass",
        "onnxruntime": "import onnxruntime",
        "handler.app, bundle loaded": "import handler.app",
    }
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(STARTS):
        for name, code in programs.items():
            times[name].append(_start_ms(code, bundle))
    medians = {name: statistics.median(values) for name, values in times.items()}
    _show("fresh processes, median ms", medians, medians["onnxruntime"])
    assert medians["handler.app, bundle loaded"] > medians["bare Python"]


def test_a_request_beside_its_graph(request_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A REST event as API Gateway sends it, through every layer, its log line and metrics written to a file."""
    predictor = Predictor.load(request_bundle)
    event = json.loads((ROOT / "events" / "sentiment.json").read_text())
    arrays = predictor.arrays([json.loads(event["body"])["inputs"]])
    with capsys.disabled(), Path(os.devnull).open("w", buffering=1) as nowhere, redirect_stdout(nowhere):
        recorder = Telemetry(make_logger(), make_metrics(), predictor.name, predictor.version)
        made = routes.of_model(predictor, b"{}")
        whole, silent = Service(made, recorder), Service(made, Silent())
        assert whole.handle(event, None)["statusCode"] == 200
        durations = _durations_us(
            {
                "the graph's own run": lambda: predictor.run(arrays),
                "event to answer": lambda: silent.handle(event, None),
                "with its log line and metrics": lambda: whole.handle(event, None),
            }
        )
    medians = {name: statistics.median(values) for name, values in durations.items()}
    graph, answer = medians["the graph's own run"], medians["event to answer"]
    with capsys.disabled():
        _show("one short text, median µs", medians, graph)
        console.print(f"event to answer above the graph: {answer - graph:.0f} µs (wanted: 500 at most)")
    assert answer > graph


class Silent(Telemetry):
    """Records nothing."""

    def __init__(self) -> None:
        pass

    def record(self, *served: object, **more: object) -> None:
        pass


def _show(title: str, medians: dict[str, float], unit: float) -> None:
    table = Table("", "median", "ratio", title=title, title_justify="left", box=None)
    for name, value in medians.items():
        table.add_row(name, f"{value:.1f}", f"{value / unit:.2f}")
    console.print(table)
