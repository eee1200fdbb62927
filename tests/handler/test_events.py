"""Every sample event gets its status, from a bundle of its modality."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handler.predictor import Predictor
from tests.handler.conftest import Served, serve

EVENTS = Path(__file__).parents[2] / "events"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((EVENTS / "expected.toml").read_text())
BUNDLES = {"text": ["text"], "tabular": ["breast-cancer"], "any": ["text", "breast-cancer"]}


@pytest.fixture(scope="module")
def services(sealed: Callable[[str], Path]) -> dict[str, Served]:
    return {bundle: serve(Predictor.load(sealed(bundle))) for bundle in BUNDLES["any"]}


def test_every_event_file_has_an_expected_status_and_the_other_way_round() -> None:
    assert {path.name for path in EVENTS.glob("*.json")} == EXPECTED.keys()


@pytest.mark.parametrize(
    ("name", "bundle"), [(name, bundle) for name, event in EXPECTED.items() for bundle in BUNDLES[event["modality"]]]
)
def test_an_event_gets_its_status(services: dict[str, Served], name: str, bundle: str) -> None:
    expected = EXPECTED[name]
    answer = services[bundle](json.loads((EVENTS / name).read_text()))
    assert ("statusCode" in answer) == (expected["door"] == "rest")
    content = json.loads(answer["body"]) if expected["door"] == "rest" else answer
    assert answer.get("statusCode", content.get("status", 200)) == expected["status"]
    assert content.get("type", "").removeprefix("urn:limbeck:problem:") == expected.get("problem", "")
    if expected["status"] == 200 and expected["modality"] != "any":
        assert content["predictions"]
