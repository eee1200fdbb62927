from __future__ import annotations

import json

from handler.model.predictor import Predictor
from tests.handler.conftest import Context, Served, rest_event, serve


def test_a_request_is_one_log_line_with_what_may_be_told(text: Served) -> None:
    _, content = text.predict(["good", "bad"])
    line, _ = text.lines()
    assert line | {"timestamp": "", "service": "", "duration_ms": 0} == {
        "level": "INFO",
        "message": "request",
        "timestamp": "",
        "service": "",
        "request_id": Context.aws_request_id,
        "model": "tiny-text",
        "version": text.predict("x")[1]["model"]["version"],
        "route": "POST /predict",
        "status": 200,
        "inputs": 2,
        "event_source": "rest",
        "body_bytes": 27,
        "answer_bytes": len(json.dumps(content, separators=(",", ":"))),
        "duration_ms": 0,
        "cold": True,
    }
    assert 0 < line["duration_ms"] < 1000


def test_only_the_first_request_is_cold(text: Served) -> None:
    text.predict("good")
    text.predict("good")
    first, first_metrics, second, second_metrics = text.lines()
    assert (first["cold"], second["cold"]) == (True, False)
    assert first_metrics["ColdStart"] == [1]
    assert "ColdStart" not in second_metrics


def test_a_function_started_ahead_of_demand_is_never_cold(text_predictor: Predictor, monkeypatch: object) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")  # type: ignore[attr-defined]
    served = serve(text_predictor)
    served.predict("good")
    assert served.lines()[0]["cold"] is False


def test_metrics_of_predictions_are_embedded_for_cloudwatch(text: Served) -> None:
    _, content = text.predict(["good", "what"])
    metrics = text.lines()[1]
    [declared] = metrics["_aws"]["CloudWatchMetrics"]
    assert declared["Namespace"] == "Limbeck"
    assert {metric["Name"] for metric in declared["Metrics"]} == {
        "Latency", "Inputs", "Abstentions", "Errors", "Rejections", "ColdStart", "Confidence", "Novelty",
        "ConfidenceDrift",
    }  # fmt: skip
    assert declared["Dimensions"] == [["service"]]
    assert metrics["model"] == "tiny-text"
    assert (metrics["Inputs"], metrics["Abstentions"], metrics["Errors"]) == ([2], [0], [0])
    scores = [prediction["score"] for prediction in content["predictions"]]
    novelty = [prediction["novelty"] for prediction in content["predictions"]]
    assert metrics["Confidence"] == [sum(scores) / 2]
    assert metrics["ConfidenceDrift"] == [sum(scores) / 2 - 0.8]
    assert metrics["Novelty"] == [sum(novelty) / 2]


def test_a_refusal_is_a_rejection_and_not_an_error(text: Served) -> None:
    text.predict(3)
    line, metrics = text.lines()
    assert (line["status"], line["type"], line["pointer"]) == (422, "urn:limbeck:problem:wrong-type", "/inputs")
    assert (metrics["Rejections"], metrics["Errors"]) == ([1], [0])
    assert "Latency" not in metrics
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"], ["service", "problem"]]
    assert metrics["problem"] == "wrong-type"


def test_metrics_do_not_add_up_over_requests(text: Served) -> None:
    text.predict("good")
    text.predict("good")
    assert text.lines()[3]["Inputs"] == [1]


def test_a_probe_is_logged_without_metrics(text: Served) -> None:
    text(rest_event(None, path="/v2/health/ready", httpMethod="GET"))
    [line] = text.lines()
    assert line["route"] == "GET /v2/health/ready"
