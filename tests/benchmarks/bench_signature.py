"""What checking the signature adds to a cold start, as a share of it. `make bench` prints it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from handler.bundle.versions import newest
from handler.errors import BundleError
from infra.image.staging import stage
from tests import bundles

STARTS = 15
MAX_SHARE = 0.05
ROOT = Path(__file__).parents[2]
SEALED = ROOT / "bundles" / "sentiment-quick"
CLOCK = "import time; began = time.perf_counter(); "
START = CLOCK + "import handler.app; print((time.perf_counter() - began) * 1000)"
CHECK = (  # what the start would not do without it, in a process that has what the start imports anyway
    "import base64, os, handler.bundle.contract; from pathlib import Path; "
    + CLOCK
    + "from handler.bundle import signature; "
    + "signature.check(Path(os.environ['BUNDLE_DIR']), signature.read_trust(Path(os.environ['TRUST_FILE']))); "
    + "print((time.perf_counter() - began) * 1000)"
)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A staged bundle with its trust file: the model of `make demo` where it is there, else a tiny one."""
    root = tmp_path_factory.mktemp("root")
    try:
        folder = newest(SEALED)
    except BundleError:
        folder = root / "sealed"
        bundles.text_bundle(folder)
    stage(folder, root)
    return root / ".build"


def _milliseconds(code: str, build: Path) -> float:
    environment = os.environ | {
        "BUNDLE_DIR": str(build / "bundle"),
        "TRUST_FILE": str(build / "trust.json"),
        "OPENBLAS_NUM_THREADS": "1",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an image is compiled
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return float(done.stdout.strip().splitlines()[-1])


def test_checking_the_signature_adds_little_to_a_start(build: Path) -> None:
    _milliseconds(START, build)  # whoever starts first compiles
    pairs = [(_milliseconds(START, build), _milliseconds(CHECK, build)) for _ in range(STARTS)]
    start, check = (statistics.median(column) for column in zip(*pairs, strict=True))
    Console().print(
        f"\nA start takes {start:.0f} ms, of these {check:.2f} ms for the signature: {check / start:.1%} "
        f"(at most {MAX_SHARE:.0%}; medians of {STARTS} fresh processes)"
    )
    assert check <= MAX_SHARE * start
