"""What a picture costs from event to answer, as ratios to Pillow's decoding of the same file, and its memory.

One thread, warm, in turn in one run. `make bench` prints them.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from rich.table import Table

from handler.api import routes
from handler.api.service import Service
from handler.api.telemetry import Telemetry, make_logger, make_metrics
from handler.bundle.versions import newest
from handler.errors import BundleError
from handler.model.predictor import Predictor
from tests import bundles

ROOT = Path(__file__).parents[2]
SEALED = ROOT / "bundles" / "clothing"
SIZES = {"400 x 533": (400, 533, 60), "12 megapixels": (4000, 3000, 7)}  # width, height, rounds
MOST = {"400 x 533": 2.5, "12 megapixels": 1.5}
MOST_MEGABYTES, MOST_PASSES = 60, 60
console = Console()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student of `clothing` where it is there, else a tiny graph, which says what all but the student costs."""
    try:
        return newest(SEALED)
    except BundleError:
        made = tmp_path_factory.mktemp("bundle")
        bundles.image_bundle(made)
        return made


@pytest.fixture(scope="module")
def predictor(folder: Path) -> Predictor:
    return Predictor.load(folder)


def photograph(width: int, height: int) -> bytes:
    """A JPEG as a camera writes it: smooth, with detail, 4:2:0."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (height // 16, width // 16, 3), np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    pixels += random.integers(-12, 13, (height, width, 1), np.int16)
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=87)
    return file.getvalue()


def event_of(data: bytes, **query: str) -> dict[str, Any]:
    return {
        "httpMethod": "POST",
        "path": "/predict",
        "headers": {"content-type": "image/jpeg"},
        "queryStringParameters": query,
        "body": base64.b64encode(data).decode(),
        "isBase64Encoded": True,
    }


def decoded(data: bytes) -> object:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def fastest_ms(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Milliseconds of each call at its fastest, for what the machine does beside it only adds; in turn."""
    durations: dict[str, list[float]] = {name: [] for name in calls}
    for place in range(rounds + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            if place:
                durations[name].append((time.perf_counter() - began) * 1000)
    return {name: min(found) for name, found in durations.items()}


def test_a_picture_from_event_to_answer_beside_pillows_decoding(
    folder: Path, predictor: Predictor, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table(
        "picture", "bytes", "Pillow, ms", "event to answer, ms", "ratio", "with base64 in JSON", title=str(folder)
    )
    ratios = {}
    with capsys.disabled(), Path(os.devnull).open("w", buffering=1) as nowhere, redirect_stdout(nowhere):
        telemetry = Telemetry(make_logger(), make_metrics(), predictor.name, predictor.version, 0.9)
        service = Service(routes.of_model(predictor, b"{}"), telemetry)
        for name, (width, height, rounds) in SIZES.items():
            data = photograph(width, height)
            event = event_of(data)
            in_json = event | {
                "headers": {"content-type": "application/json"},
                "body": json.dumps({"inputs": event["body"]}),
                "isBase64Encoded": False,
            }
            calls: dict[str, Callable[[], object]] = {
                "Pillow": lambda data=data: decoded(data),
                "event": lambda event=event: service.handle(event, None),
                "JSON": lambda event=in_json: service.handle(event, None),
            }
            assert service.handle(event, None)["statusCode"] == service.handle(in_json, None)["statusCode"] == 200
            found = fastest_ms(calls, rounds)
            ratios[name] = found["event"] / found["Pillow"]
            shown = (found["Pillow"], found["event"], ratios[name], found["JSON"] / found["Pillow"])
            table.add_row(name, f"{len(data):,}", *(f"{value:.2f}" for value in shown))
        explained = event_of(photograph(400, 533), explain="true")
        record = predictor.modality.check(base64.b64decode(explained["body"]), predictor.serving, "")
        one = predictor.arrays(predictor.reduced([record]))
        maps = fastest_ms({"map": lambda: service.handle(explained, None), "pass": lambda: predictor.run(one)}, 20)
    console.print(table)
    passes = maps["map"] / maps["pass"]
    console.print(f"heat map {maps['map']:.1f} ms, a pass {maps['pass']:.2f} ms: {passes:.0f} of them")
    for name, ratio in ratios.items():
        assert ratio <= MOST[name], name
    assert predictor.name != SEALED.name or passes <= MOST_PASSES  # a tiny graph's pass is next to nothing


@pytest.mark.parametrize("turned", [False, True])
def test_the_memory_of_a_picture_of_twelve_megapixels(folder: Path, turned: bool, tmp_path: Path) -> None:
    """Peak above rest in a fresh process that has answered a small picture before."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of the memory is Linux's to tell")
    small, large = photograph(64, 48), photograph(4000, 3000)
    if turned:
        file = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.open(io.BytesIO(large)).save(file, "JPEG", quality="keep", exif=exif)
        large = file.getvalue()
    for name, data in (("small", small), ("large", large)):
        (tmp_path / f"{name}.json").write_text(json.dumps(event_of(data)))
    program = f"""
import json, pathlib
from handler import app
def peak(name):
    event = json.loads(pathlib.Path({str(tmp_path)!r}, name + ".json").read_text())
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    before = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    assert app.lambda_handler(event, None)["statusCode"] == 200
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return (next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) - before) / 1000
peak("small")
print(peak("large"))
"""
    environment = {**os.environ, "BUNDLE_DIR": str(folder), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    megabytes = float(done.stdout.splitlines()[-1])
    console.print(f"12 megapixels{', turned by EXIF' if turned else ''}: {megabytes:.0f} MB above rest")
    assert megabytes <= MOST_MEGABYTES
