"""Bundles sealed once, and a service around each whose log can be read."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.logging import Logger
from hypothesis import HealthCheck, settings

from handler.api import routes
from handler.api.service import Service
from handler.api.telemetry import Telemetry, make_metrics
from handler.model.predictor import Predictor
from tests import bundles

# A machine shared with a training job is slow now and then: that is no failure of what is tested.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


class Context:
    """As much of Lambda's context as is read."""

    aws_request_id = "c0ffee00-0000-4000-8000-000000000001"


@dataclass
class Served:
    """A service, and everything it wrote."""

    service: Service
    log: io.StringIO = field(default_factory=io.StringIO)

    def __call__(self, event: object) -> dict[str, Any]:
        """The answer to an event, as Lambda would send it."""
        with redirect_stdout(self.log):
            answer = self.service.handle(event, Context())
        return json.loads(json.dumps(answer))

    def post(self, body: str | None, **changes: object) -> tuple[int, dict[str, Any]]:
        """Status and content of POST /predict through a REST API."""
        answer = self(rest_event(body, **changes))
        return answer["statusCode"], json.loads(answer["body"])

    def predict(self, inputs: object) -> tuple[int, dict[str, Any]]:
        """Status and content for these inputs."""
        return self.post(json.dumps({"inputs": inputs}))

    def lines(self) -> list[dict[str, Any]]:
        """The log, as JSON."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


def rest_event(body: str | None, **changes: object) -> dict[str, Any]:
    """A REST API's proxy event, with the parts that matter."""
    event: dict[str, Any] = {
        "resource": "/predict",
        "path": "/predict",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "requestContext": {"requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "stage": "prod"},
        "body": body,
        "isBase64Encoded": False,
    }
    return event | changes


def serve(predictor: Predictor, cors_origin: str = "") -> Served:
    """A service with a log of its own."""
    log = io.StringIO()
    logger = Logger(service=uuid.uuid4().hex, stream=log, location=None)
    usual = predictor.serving.drift_baseline.mean_confidence
    telemetry = Telemetry(logger, make_metrics(), predictor.name, predictor.version, usual)
    return Served(Service(routes.of_model(predictor, b'{"openapi":"3.1.0"}'), telemetry, cors_origin), log)


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a sealed bundle, by its modality."""
    root = tmp_path_factory.mktemp("bundles")
    bundles.text_bundle(root / "text")
    bundles.tabular_bundle(root / "tabular")
    bundles.image_bundle(root / "image")
    bundles.breast_cancer_bundle(root / "breast-cancer")
    return lambda modality: root / modality


@pytest.fixture(scope="session")
def text_predictor(sealed: Callable[[str], Path]) -> Predictor:
    return Predictor.load(sealed("text"))


@pytest.fixture(scope="session")
def tabular_predictor(sealed: Callable[[str], Path]) -> Predictor:
    return Predictor.load(sealed("tabular"))


@pytest.fixture(scope="session")
def image_predictor(sealed: Callable[[str], Path]) -> Predictor:
    return Predictor.load(sealed("image"))


@pytest.fixture
def text(text_predictor: Predictor) -> Served:
    return serve(text_predictor)


@pytest.fixture
def tabular(tabular_predictor: Predictor) -> Served:
    return serve(tabular_predictor)


@pytest.fixture
def image(image_predictor: Predictor) -> Served:
    return serve(image_predictor)
