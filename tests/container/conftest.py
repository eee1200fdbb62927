"""Sample events, the bundles they are for, and what to read from an answer."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import bundles

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((EVENTS / "expected.toml").read_text())


def event(name: str) -> object:
    """The event as the function gets it."""
    return json.loads((EVENTS / name).read_text())


def status(name: str, payload: dict[str, Any]) -> int:
    """The status of an answer, by the event source that its event is of."""
    if EXPECTED[name]["event_source"] in ("rest", "http", "alb"):
        return payload["statusCode"]
    return payload.get("status", 200)


def names(modality: str) -> list[str]:
    return [name for name, expected in EXPECTED.items() if expected["modality"] in (modality, "any")]


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Small sealed bundles by modality."""
    root = tmp_path_factory.mktemp("bundles")
    bundles.text_bundle(root / "text", name="sentiment-quick")  # as the sample events call it
    bundles.breast_cancer_bundle(root / "tabular")
    bundles.image_bundle(root / "image", name="clothing")
    return lambda modality: root / modality
