"""The numbers of docs/clients.md and README beside those of a bundle that `make demo` left, in this process."""

from __future__ import annotations

import json
import re

import pytest

from distill.recipe import load as recipes
from handler.api import routes
from handler.api.service import Service
from handler.api.telemetry import Telemetry, make_logger, make_metrics
from handler.bundle import contract
from handler.model.predictor import Predictor
from infra.aws.lambda_events import rest_event
from tests import endpoints
from tests.clients.page import TOLERANCE, Call, every_call, skeleton

CALLS = [call for call in every_call() if call.model == "text"]
ANSWERED = [call for call in CALLS if call.language == "sh" and "abstained" in call.shown]


@pytest.mark.parametrize("call", ANSWERED, ids=[call.name for call in ANSWERED])
def test_a_bundle_of_make_demo_answers_nearly_as_the_page_shows(call: Call) -> None:
    bundle = endpoints.sealed("sentiment-quick")
    if bundle is None:
        pytest.skip("no bundles/sentiment-quick: make demo")
    recipe = recipes.load("sentiment-quick").model_dump(mode="json", exclude_none=True)
    made_by = contract.read(bundle).provenance["recipe"]  # with what the recipe leaves open as well
    if any({**made_by[part], **recipe[part]} != made_by[part] for part in ("teacher", "transfer", "student")):
        pytest.skip("bundles/sentiment-quick was made by other settings: make demo")
    predictor = Predictor.load(bundle)
    telemetry = Telemetry(make_logger(), make_metrics(), predictor.name, predictor.version)
    body = re.search(r"-d '\s*(\{.*?\})'", call.code, re.DOTALL)
    assert body is not None
    event = rest_event("POST", "/predict", [("content-type", "application/json")], body[1].encode())
    answer = Service(routes.of_model(predictor, b"{}"), telemetry).handle(event, None)
    got, got_numbers = skeleton(answer["body"])
    shown, shown_numbers = skeleton(call.shown)
    assert got == shown
    assert got_numbers == pytest.approx(shown_numbers, abs=TOLERANCE)


def test_every_client_shows_the_same_numbers() -> None:
    first = [prediction["score"] for prediction in json.loads(ANSWERED[0].shown)["predictions"]]
    shown = [skeleton(call.shown)[1] for call in CALLS if call.language != "sh"]
    assert shown == [[round(score, 3) for score in first]] * len(shown)
