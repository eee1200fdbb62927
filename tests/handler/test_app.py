"""The start of the function, always in a fresh process: a warm one hides what an import costs and leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from handler.bundle import contract
from tests import bundles

ROOT = Path(__file__).parents[2]
HEAVY = (
    "torch", "boto3", "botocore.session", "botocore.client", "pydantic", "aws_xray_sdk", "pandas", "sklearn", "onnx",
    "transformers", "asyncio", "distill", "infra", "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.data_classes", "difflib",
)  # fmt: skip


def python(code: str, folder: Path | None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("POWERTOOLS", "AWS"))}
    environment.pop("BUNDLE_DIR", None)
    if folder is not None:
        environment["BUNDLE_DIR"] = str(folder)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_start_imports_nothing_heavy(sealed: Callable[[str], Path]) -> None:
    code = (
        "import sys; from handler.app import lambda_handler\n"
        "label = lambda_handler({'inputs': 'good'}, None)['predictions'][0]['label']\n"
        f"sys.stderr.write(' '.join(m for m in {HEAVY!r} if m in sys.modules) + '|' + label)"
    )
    done = python(code, sealed("text"))
    assert done.returncode == 0, done.stderr
    assert done.stderr == "|positive"


def test_the_start_takes_less_than_thrice_onnxruntime_alone(sealed: Callable[[str], Path]) -> None:
    """Measured at 1.5 on a quiet machine (`make bench`); the two take turns, so that a busy spell hits both."""
    programs = ("import handler.app", "import onnxruntime")
    fastest = dict.fromkeys(programs, float("inf"))
    for _ in range(7):
        for code in programs:
            started = time.perf_counter()
            assert python(code, sealed("text")).returncode == 0
            fastest[code] = min(fastest[code], time.perf_counter() - started)
    assert fastest["import handler.app"] < 3 * fastest["import onnxruntime"]


def test_importing_every_other_module_does_nothing(tmp_path: Path) -> None:
    files = [path for path in (ROOT / "handler").rglob("*.py") if path.stem not in ("app", "__init__")]
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    assert "handler.bundle.contract" in modules
    done = python("\n".join(f"import {name}" for name in modules), None)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_powertools_environment_cannot_make_it_log_an_event(sealed: Callable[[str], Path]) -> None:
    code = (
        "import os; os.environ |= {'POWERTOOLS_LOGGER_LOG_EVENT': 'true', 'POWERTOOLS_LOG_LEVEL': 'DEBUG'}\n"
        "from handler.app import lambda_handler\n"
        "lambda_handler({'inputs': 'zqsecret'}, None)"
    )
    done = python(code, sealed("text"))
    assert done.returncode == 0, done.stderr
    assert '"status":200' in done.stdout
    assert "zqsecret" not in done.stdout + done.stderr


def flipped(folder: Path) -> list[str]:
    path = folder / "model.onnx"
    wanted = contract.sha256_of(path)
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    return [str(path), wanted, contract.sha256_of(path)]


def unsealed(folder: Path) -> list[str]:
    (folder / contract.MANIFEST).unlink()
    return [str(folder), "never sealed"]


def other_schema(folder: Path) -> list[str]:
    path = folder / contract.MANIFEST
    path.write_text(path.read_text().replace('"schema": 3', '"schema": 1'))
    return [str(path), "schema 1", "schemas 2 and 3"]


def a_directory(folder: Path) -> list[str]:
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").mkdir()
    return [str(folder / "model.onnx"), "not a regular file"]


ASK = """
import json, sys
from handler.app import lambda_handler
def ask(method, path):
    answer = lambda_handler({"httpMethod": method, "path": path, "body": '{"inputs": "good"}'}, None)
    return [answer["statusCode"], json.loads(answer["body"]).get("type")]
asked = [("POST", "/predict"), ("GET", "/v2/health/ready"), ("GET", "/v2/health/live"), ("GET", "/model")]
sys.stderr.write(json.dumps([ask(*each) for each in asked] + [lambda_handler({"inputs": "good"}, None)["status"]]))
"""


def refused(folder: Path | None) -> str:
    """What the log says of a bundle that is not served, after the function was seen to answer so."""
    done = python(ASK, folder)
    assert done.returncode == 0, done.stderr
    unavailable = [503, "urn:limbeck:problem:not-ready"]
    assert json.loads(done.stderr) == [unavailable, unavailable, [200, None], unavailable, 503]
    line = json.loads(done.stdout.splitlines()[0])
    assert line["level"] == "ERROR"
    assert "Traceback" not in done.stdout
    return str(line["reason"])


@pytest.mark.parametrize("spoil", [flipped, unsealed, other_schema, a_directory])
def test_a_bundle_that_cannot_be_trusted_is_not_served(tmp_path: Path, spoil: Callable[[Path], list[str]]) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    words = spoil(tmp_path / "bundle")
    reason = refused(tmp_path / "bundle")
    assert all(word in reason for word in words), reason


def test_without_bundle_dir_the_log_says_to_set_it() -> None:
    assert "BUNDLE_DIR is not set" in refused(None)


def test_a_bundle_dir_that_no_file_system_takes_is_told_in_the_log() -> None:
    assert "too long" in refused(Path("x" * 5000))


def test_a_sealed_graph_that_cannot_run_is_not_served(tmp_path: Path) -> None:
    model = bundles.text_model()
    table = next(tensor for tensor in model.graph.initializer if tensor.name == "table")
    table.dims[0], table.raw_data = 1, table.raw_data[:8]  # ids of known words point past the table's end
    serving = bundles.text_serving(labels=("one", "two", "three"))
    bundles.seal(tmp_path, model, serving, "broken")
    assert "fails on a plain input" in refused(tmp_path)
