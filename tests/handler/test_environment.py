"""Settings that cannot be read: in a fresh process, as Powertools reads some of them when it is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from handler import environment

ROOT = Path(__file__).parents[2]
ASK = """
import json, sys
from handler.app import lambda_handler
event = {"httpMethod": "POST", "path": "/predict", "body": '{"inputs": "good"}'}
answers = [lambda_handler(event, None) for _ in range(2)]
sys.stderr.write(json.dumps(answers[1]))
"""
LEVELS = ("POWERTOOLS_LOG_LEVEL", "LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL")
TRUTHS = (
    "POWERTOOLS_DEBUG", "POWERTOOLS_DEV", "POWERTOOLS_METRICS_DISABLED", "POWERTOOLS_LOG_DEDUPLICATION_DISABLED",
)  # fmt: skip


def started(folder: Path, settings: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The answer to a request of a function with these settings, and its log."""
    usual = {key: value for key, value in os.environ.items() if not key.startswith(("POWERTOOLS", "AWS", "LOG_"))}
    command = [sys.executable, "-c", ASK]
    variables = usual | {"BUNDLE_DIR": str(folder)} | settings
    done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr), [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("value", ["", "verbose"])
@pytest.mark.parametrize("names", [LEVELS, TRUTHS, ("POWERTOOLS_LOGGER_SAMPLE_RATE", "POWERTOOLS_LOG_LEVEL")])
def test_a_setting_that_cannot_be_read_is_named_in_the_log_and_requests_are_answered(
    sealed: Callable[[str], Path], names: tuple[str, ...], value: str
) -> None:
    answer, log = started(sealed("text"), dict.fromkeys(names, value))
    assert answer["statusCode"] == 200
    warned = {line["setting"]: line for line in log if line.get("message") == "setting ignored"}
    assert set(warned) == set(names)
    assert {line["level"] for line in warned.values()} == {"WARNING"}
    assert "verbose" not in json.dumps(log)
    assert [line["level"] for line in log if line.get("message") == "request"] == ["INFO", "INFO"]
    assert sum("Latency" in line for line in log) == 2  # metrics are published


def test_empty_names_of_metrics_are_the_usual_ones(sealed: Callable[[str], Path]) -> None:
    names = ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE")
    _, log = started(sealed("text"), dict.fromkeys(names, " "))
    [first, _] = [line for line in log if "Latency" in line]
    assert (first["service"], first["_aws"]["CloudWatchMetrics"][0]["Namespace"]) == ("limbeck", "Limbeck")


@pytest.mark.parametrize(
    "value", ["https://a.example/, https://b.example", "app.example.org", "https://a\u00e9.org", "a\nb"]
)
def test_an_origin_that_no_browser_sends_is_no_origin(sealed: Callable[[str], Path], value: str) -> None:
    answer, log = started(sealed("text"), {"CORS_ORIGIN": value})
    assert "access-control-allow-origin" not in answer["headers"]
    assert [line["setting"] for line in log if line.get("message") == "setting ignored"] == ["CORS_ORIGIN"]


def test_levels_of_lambda_and_of_powertools_may_differ_in_case(sealed: Callable[[str], Path]) -> None:
    """Powertools compares their names and raised on the second."""
    answer, log = started(sealed("text"), {"AWS_LAMBDA_LOG_LEVEL": "DEBUG", "POWERTOOLS_LOG_LEVEL": "info"})
    assert answer["statusCode"] == 200
    assert not any(line.get("message") == "setting ignored" for line in log)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("LOG_LEVEL", " warning ", "WARN"),
        ("LOG_LEVEL", "NOTSET", "DEBUG"),
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE", "DEBUG"),
        ("POWERTOOLS_DEV", "False", "false"),
        ("POWERTOOLS_LOGGER_SAMPLE_RATE", "0.1", "0.1"),
        ("CORS_ORIGIN", "https://app.example.org/", "https://app.example.org"),
        ("CORS_ORIGIN", "http://localhost:8080", "http://localhost:8080"),
        ("CORS_ORIGIN", "*", "*"),
        ("CORS_ORIGIN", "", ""),
        ("POWERTOOLS_SERVICE_NAME", "my stack", "my stack"),
    ],
)
def test_a_setting_that_can_be_read_stays(name: str, value: str, read: str) -> None:
    settings = {name: value, "HOME": " "}
    assert environment.mend(settings) == {}
    assert settings == {name: read, "HOME": " "}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POWERTOOLS_LOGGER_SAMPLE_RATE", "nan"),
        ("POWERTOOLS_LOGGER_SAMPLE_RATE", "2"),
        ("POWERTOOLS_SERVICE_NAME", "\u00e9"),
        ("LOG_LEVEL", "20"),
    ],
)
def test_a_setting_that_cannot_be_read_is_taken_out(name: str, value: str) -> None:
    settings = {name: value}
    assert list(environment.mend(settings)) == [name]
    assert settings == {}
