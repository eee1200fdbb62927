"""What a start and a request cost, as ratios within one run on one machine. `make bench` prints them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from handler.predictor import Predictor
from handler.service import Service
from handler.telemetry import Telemetry, make_logger, make_metrics
from tests import bundles

STARTS, CALLS = 11, 2000
console = Console()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    bundles.text_bundle(folder)
    return folder


def _start_ms(code: str, bundle: Path) -> float:
    environment = {**os.environ, "BUNDLE_DIR": str(bundle), "OPENBLAS_NUM_THREADS": "1"}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def _median_us(call: Callable[[], object]) -> float:
    for _ in range(50):
        call()
    durations = []
    for _ in range(CALLS):
        began = time.perf_counter_ns()
        call()
        durations.append((time.perf_counter_ns() - began) / 1000)
    return statistics.median(durations)


def test_a_cold_start_beside_a_bare_one(bundle: Path) -> None:
    """Whole fresh processes, in turn, so that a machine whose speed drifts drifts for all alike."""
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


def test_a_request_beside_its_graph(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predictor = Predictor.load(bundle)
    service = Service(predictor, Telemetry(make_logger(), make_metrics(), predictor.name, predictor.version))
    arrays = predictor.arrays(["good film"])
    medians = {
        "the graph alone": _median_us(lambda: predictor.run(arrays)),
        "predict": _median_us(lambda: predictor.predict(["good film"])),
        "event to answer": _median_us(lambda: service.handle({"inputs": "good film"}, None)),
    }
    capsys.readouterr()  # the log lines of two thousand requests
    with capsys.disabled():
        _show("one short text, median µs", medians, medians["the graph alone"])
    assert medians["event to answer"] > medians["the graph alone"]


def _show(title: str, medians: dict[str, float], unit: float) -> None:
    table = Table("", "median", "ratio", title=title, title_justify="left", box=None)
    for name, value in medians.items():
        table.add_row(name, f"{value:.1f}", f"{value / unit:.2f}")
    console.print(table)
