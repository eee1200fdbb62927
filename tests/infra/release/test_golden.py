"""Golden inputs against functions that answer right, wrong, otherwise, or not at all."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from handler.api import routes, telemetry
from handler.api.service import Service
from handler.bundle import contract
from handler.bundle import golden as sealed
from handler.bundle.contract import Limits
from handler.errors import BundleError
from handler.model.predictor import Predictor
from infra.release import golden
from tests import bundles
from tests.cloud import models

ANSWER = {"label": "positive", "scores": {"positive": 1.0}, "score": 1.0, "abstained": False, "novelty": 0.5}
Spoil = Callable[[dict[str, Any]], object]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    models.honest(tmp_path / "bundle", 1)
    return tmp_path / "bundle"


def function(folder: Path) -> golden.Invoke:
    """The handler on a bundle, in this process."""
    predictor = Predictor.load(folder)
    document = (folder / contract.OPENAPI).read_bytes()
    recorder = telemetry.Telemetry(telemetry.make_logger(), telemetry.make_metrics())
    service = Service(routes.of_model(predictor, document), recorder)
    return lambda event: service.handle(json.loads(json.dumps(event)), None)


def replay(folder: Path, invoke: golden.Invoke) -> tuple[str, ...]:
    return golden.replay(sealed.read(folder), contract.read(folder), invoke)


def spoilt(folder: Path, spoil: Spoil) -> golden.Invoke:
    """The function, whose answers somebody changes."""
    honest = function(folder)

    def send(event: Mapping[str, Any]) -> Any:  # noqa: ANN401
        said = honest(event)
        answer = json.loads(said["body"])
        spoil(answer)
        return said | {"body": json.dumps(answer), "isBase64Encoded": False}

    return send


def test_the_bundles_own_handler_answers_as_sealed(bundle: Path) -> None:
    assert replay(bundle, function(bundle)) == ()


def test_a_probability_that_is_off_is_told_by_its_line(bundle: Path) -> None:
    def spoil(answer: dict[str, Any]) -> None:
        answer["predictions"][1]["scores"]["positive"] += 2e-4

    assert replay(bundle, spoilt(bundle, spoil)) == (
        "golden.jsonl line 2: a probability is off by 0.0002, allowed is 0.0001",
    )


def test_a_last_digit_is_another_processors_and_allowed(bundle: Path) -> None:
    def spoil(answer: dict[str, Any]) -> None:
        answer["predictions"][1]["scores"]["positive"] += 2e-6

    assert replay(bundle, spoilt(bundle, spoil)) == ()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda answer: answer["predictions"][0].update(label="negative"), "wanted 'positive'"),
        (lambda answer: answer["predictions"][0]["scores"].pop("negative"), "other labels"),
        (lambda answer: answer["predictions"][0]["scores"].update(negative=float("nan")), "off by inf"),
        (lambda answer: answer["predictions"][0].update(novelty=0.9), "novelty is off by"),
        (lambda answer: answer["predictions"][0].pop("novelty"), "not an answer"),
        (lambda answer: answer["predictions"][0].update(abstained=True), "abstained otherwise"),
        (lambda answer: answer["predictions"].pop(), "none of this API's"),
        (lambda answer: answer["model"].update(version="0" * 12), "answered by tiny-text/000000000000"),
        (lambda answer: answer.clear(), "none of this API's"),
    ],
)
def test_every_other_answer_is_wrong(bundle: Path, spoil: Spoil, word: str) -> None:
    wrong = replay(bundle, spoilt(bundle, spoil))
    assert wrong and word in wrong[0]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (None, "no answer"),
        ({"errorType": "Runtime.ExitError"}, "Runtime.ExitError"),
        (
            {"statusCode": 503, "body": '{"type": "urn:limbeck:problem:not-ready"}'},
            "status 503 (urn:limbeck:problem:not-ready)",
        ),
        ({"statusCode": 200, "body": "!!", "isBase64Encoded": True}, "wanted 200"),
        ("text", "wanted 200"),
        ({"statusCode": 200, "body": "[]"}, "none of this API's"),
    ],
)
def test_no_answer_is_wrong(bundle: Path, said: object, word: str) -> None:
    wrong = replay(bundle, lambda event: said)
    assert wrong and word in wrong[0]


def test_no_input_is_ever_told(bundle: Path) -> None:
    for said in (None, {"statusCode": 422, "body": '{"detail": "good good bad"}'}):
        assert "good" not in " ".join(replay(bundle, lambda event, said=said: said))


def test_no_request_holds_more_than_the_bundle_allows(tmp_path: Path) -> None:
    limits = Limits(max_inputs=3, max_characters=2000, max_body_bytes=200, max_depth=32, max_explained=64)
    bundles.text_bundle(tmp_path / "b", bundles.text_serving(limits=limits))
    rows = [{"input": "good " * number, "prediction": ANSWER} for number in range(1, 15)]
    models.resealed(tmp_path / "b", contract.GOLDEN, "".join(json.dumps(row) + "\n" for row in rows))
    bodies = []

    def send(event: Mapping[str, Any]) -> None:
        bodies.append(base64.b64decode(event["body"]))

    replay(tmp_path / "b", send)
    assert sum(len(json.loads(body)["inputs"]) for body in bodies) == len(rows)
    assert all(len(body) <= 200 and len(json.loads(body)["inputs"]) <= 3 for body in bodies)


@pytest.mark.parametrize("text", ["", "\n", "{", '{"input": "good"}\n', '{"input": 1, "prediction": null}\n', "[]\n"])
def test_a_file_from_which_nothing_can_be_told_is_refused(bundle: Path, text: str) -> None:
    (bundle / contract.GOLDEN).write_text(text)
    with pytest.raises(BundleError, match="Seal the bundle again"):
        sealed.read(bundle)


def test_a_file_that_is_missing_is_refused(bundle: Path) -> None:
    (bundle / contract.GOLDEN).unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        sealed.read(bundle)
