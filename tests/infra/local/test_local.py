"""The command line that runs the function on this machine, as far as it needs no Docker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handler.bundle import contract
from infra.local.__main__ import app
from tests import bundles

linux = pytest.mark.skipif(sys.platform != "linux", reason="the emulator runs on Linux only")


def run(*arguments: object, given: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@linux
def test_demo_prints_the_prediction_for_a_sentence(tmp_path: Path) -> None:
    manifest = bundles.text_bundle(tmp_path)
    status, out, err = run("demo", tmp_path, "--runtime", "emulator", "--text", "a [good] day")
    assert status == 0, err
    assert "a [good] day" in out
    assert "positive" in out
    assert manifest.version in out
    assert "emulator" in err


@linux
def test_invoke_prints_what_the_function_returns(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path)
    status, out, _ = run("invoke", "-", "-b", tmp_path, "-r", "emulator", given='{"inputs": "good"}')
    assert status == 0
    assert json.loads(out)["predictions"][0]["label"] == "positive"


@linux
def test_serve_answers_over_https_with_what_it_prints_for_a_shell_and_stops_when_told(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path)
    command = [
        sys.executable,
        "-m",
        "infra.local",
        "serve",
        str(tmp_path),
        "--port",
        "0",
        "--runtime",
        "emulator",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        exports = process.stdout.readline() + process.stdout.readline()
        ask = """curl -s "$LIMBECK_URL/predict" -H content-type:application/json -d '{"inputs": "good"}'"""
        asked = subprocess.run(["bash", "-euc", exports + ask], capture_output=True, text=True, timeout=60)
        process.terminate()
        assert process.wait(30) == 0
    assert json.loads(asked.stdout)["predictions"][0]["label"] == "positive"
    trusted = exports.split("SSL_CERT_FILE=")[1].split()[0]
    assert not Path(trusted).parent.exists()


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_an_event_that_is_not_json_is_one_clear_message(tmp_path: Path, content: bytes) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    (tmp_path / "event.json").write_bytes(content)
    status, _, err = run("invoke", tmp_path / "event.json", "-b", tmp_path / "bundle", "-r", "emulator")
    assert status == 1
    assert "is not JSON" in err


@pytest.mark.parametrize("event", ["gone.json", "."])
def test_an_event_that_cannot_be_read_is_named(tmp_path: Path, event: str) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    status, _, err = run("invoke", tmp_path / event, "-b", tmp_path / "bundle", "-r", "emulator")
    assert status == 1
    assert str(tmp_path / event) in err


@pytest.mark.parametrize("command", ["stage", "demo", "build", "serve"])
def test_a_tampered_bundle_is_refused_before_anything_is_built(tmp_path: Path, command: str) -> None:
    bundles.text_bundle(tmp_path)
    (tmp_path / contract.MODEL).write_bytes(b"something else")
    status, _, err = run(command, tmp_path)
    assert status == 4
    assert "sha256" in err
