"""A replay of the golden inputs: what a release asks of a version before it gets any traffic."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handler.api import routes
from handler.api.service import Service, without_model
from handler.api.telemetry import Telemetry, make_logger, make_metrics
from handler.bundle.golden import NOVELTY_TOLERANCE, TOLERANCE
from handler.http import events
from handler.model.predictor import Predictor
from tests.handler.conftest import Context, rest_event

REPLAY = {"replay": "golden"}
WORDS = ["good", "bad", "", "good bad bad"]


@pytest.fixture
def golden(text_predictor: Predictor, tmp_path: Path) -> Path:
    """Four golden inputs with the answers that the model gives."""
    predictions = text_predictor.predict(WORDS)
    write(tmp_path, [{"input": word, "prediction": vars(it)} for word, it in zip(WORDS, predictions, strict=True)])
    return tmp_path


def write(folder: Path, rows: list[Any]) -> None:
    (folder / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def rows(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()]


def ask(predictor: Predictor, folder: Path, event: object = REPLAY) -> dict[str, Any]:
    telemetry = Telemetry(make_logger(), make_metrics())
    service = Service(routes.of_model(predictor, b"{}"), telemetry, golden=routes.golden(predictor, folder))
    return service.handle(event, Context())


def test_a_bundle_that_answers_as_it_was_sealed_has_none_wrong(text_predictor: Predictor, golden: Path) -> None:
    answer = ask(text_predictor, golden)
    assert answer == {
        "replayed": 4,
        "wrong": 0,
        "lines": [],
        "model": {"name": text_predictor.name, "version": text_predictor.version},
    }


def test_another_label_is_wrong(text_predictor: Predictor, golden: Path) -> None:
    spoilt = rows(golden)
    spoilt[1]["prediction"]["label"] = "positive"
    write(golden, spoilt)
    assert ask(text_predictor, golden)["lines"] == [2]


@pytest.mark.parametrize(("times", "wrong"), [(0.5, 0), (2.0, 1)])
def test_a_probability_may_be_off_by_no_more_than_arithmetic(
    text_predictor: Predictor, golden: Path, times: float, wrong: int
) -> None:
    spoilt = rows(golden)
    spoilt[0]["prediction"]["scores"]["negative"] += times * TOLERANCE
    write(golden, spoilt)
    assert ask(text_predictor, golden)["wrong"] == wrong


@pytest.mark.parametrize(("times", "wrong"), [(0.5, 0), (2.0, 1)])
def test_a_wrong_novelty_is_wrong(text_predictor: Predictor, golden: Path, times: float, wrong: int) -> None:
    spoilt = rows(golden)
    spoilt[0]["prediction"]["novelty"] += times * NOVELTY_TOLERANCE
    write(golden, spoilt)
    assert ask(text_predictor, golden)["wrong"] == wrong


def test_another_abstention_is_wrong(text_predictor: Predictor, golden: Path) -> None:
    spoilt = rows(golden)
    spoilt[2]["prediction"]["abstained"] = True
    write(golden, spoilt)
    assert ask(text_predictor, golden)["lines"] == [3]


@pytest.mark.parametrize(
    "row", [{"input": 7, "prediction": {}}, {"input": "good"}, {"input": "good", "prediction": {"label": "x"}}, 3, None]
)
def test_a_golden_row_that_cannot_be_compared_is_wrong(text_predictor: Predictor, golden: Path, row: object) -> None:
    write(golden, [*rows(golden), row])
    assert ask(text_predictor, golden)["lines"] == [5]


def test_nothing_to_replay_is_said_as_nothing_replayed(text_predictor: Predictor, tmp_path: Path) -> None:
    assert ask(text_predictor, tmp_path)["replayed"] == 0


def test_nothing_of_an_input_or_an_answer_is_told(
    text_predictor: Predictor, golden: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(golden, [{"input": "zqsecret", "prediction": {"label": "zqlabel", "scores": {}}}])
    answer = ask(text_predictor, golden)
    assert answer["wrong"] == 1
    assert "zq" not in json.dumps(answer) + capfd.readouterr().out


@pytest.mark.parametrize(
    "event",
    [
        rest_event(json.dumps(REPLAY)),
        rest_event(None, path=""),
        rest_event(None, path="/golden"),
        rest_event(None, path="", resource="/{proxy+}", pathParameters={"proxy": ""}, **REPLAY),
        {"rawPath": "", "requestContext": {"http": {"method": "POST"}}, **REPLAY},
    ],
)
def test_no_http_request_can_be_a_replay(text_predictor: Predictor, golden: Path, event: dict[str, Any]) -> None:
    answer = ask(text_predictor, golden, event)
    assert answer["statusCode"] in (404, 422)
    assert "replayed" not in answer["body"]
    assert not events.source_of(event).request(event).is_replay


@pytest.mark.parametrize("event", [{"replay": "silver"}, {"replay": True}, {"replay": "golden", "more": 1}, ["replay"]])
def test_anything_but_the_exact_event_is_refused(text_predictor: Predictor, golden: Path, event: object) -> None:
    assert ask(text_predictor, golden, event)["status"] == 400


def test_a_function_whose_bundle_was_refused_replays_nothing() -> None:
    answer = without_model(Telemetry(make_logger(), make_metrics())).handle(REPLAY, Context())
    assert answer["status"] == 503


def test_the_function_itself_replays_its_own_bundle(
    sealed: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUNDLE_DIR", str(sealed("text")))
    monkeypatch.delitem(sys.modules, "handler.app", raising=False)
    from handler.app import lambda_handler

    monkeypatch.delitem(sys.modules, "handler.app")
    answer = lambda_handler(REPLAY, None)
    assert (answer["replayed"], answer["wrong"]) == (1, 0)
