"""Every sample event gets its status, from a bundle of its modality."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handler.model.predictor import Predictor
from tests import bundles
from tests.handler.conftest import Served, serve

EVENTS = Path(__file__).parents[2] / "events"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((EVENTS / "expected.toml").read_text())
BUNDLES = {
    "text": ["text"],
    "tabular": ["breast-cancer"],
    "image": ["image"],
    "any": ["text", "breast-cancer", "image"],
}


@pytest.fixture(scope="module")
def services(sealed: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Served]:
    text = tmp_path_factory.mktemp("text")
    bundles.text_bundle(text, name="sentiment-quick")  # as the events for the inference protocol call it
    image = tmp_path_factory.mktemp("image")
    bundles.image_bundle(image, name="clothing")
    folders = {"text": text, "breast-cancer": sealed("breast-cancer"), "image": image}
    return {name: serve(Predictor.load(folder)) for name, folder in folders.items()}


def test_every_event_file_has_an_expected_status_and_the_other_way_round() -> None:
    assert {path.name for path in EVENTS.glob("*.json")} == EXPECTED.keys()


@pytest.mark.parametrize(
    ("name", "bundle"), [(name, bundle) for name, event in EXPECTED.items() for bundle in BUNDLES[event["modality"]]]
)
def test_an_event_gets_its_status(services: dict[str, Served], name: str, bundle: str) -> None:
    expected = EXPECTED[name]
    answer = services[bundle](json.loads((EVENTS / name).read_text()))
    proxied = expected["event_source"] in ("rest", "http", "alb")
    assert ("statusCode" in answer) == proxied
    content = json.loads(answer["body"] or "{}") if proxied else answer
    assert answer.get("statusCode", content.get("status", 200)) == expected["status"]
    assert content.get("type", "").removeprefix("urn:limbeck:problem:") == expected.get("problem", "")
    if expected["status"] == 200 and expected["modality"] != "any":
        assert content.keys() & {"predictions", "outputs"}
