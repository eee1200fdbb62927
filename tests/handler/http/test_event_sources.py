"""One handler behind every kind of event source."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from handler.model.predictor import Predictor
from tests.handler.conftest import Served, rest_event, serve
from tests.handler.events import alb_event, content_of, http_event

BODY = '{"inputs": "good"}'


def test_every_event_source_gives_the_same_answer(text: Served) -> None:
    rest, http, bare = text(rest_event(BODY)), text(http_event(BODY)), text(json.loads(BODY))
    assert content_of(rest) == content_of(http) == bare
    assert rest["statusCode"] == http["statusCode"] == 200


def test_the_log_names_the_event_source(text: Served) -> None:
    for event in (rest_event(BODY), http_event(BODY), json.loads(BODY), {"what": 1}, alb_event(BODY)):
        text(event)
    sources = [line["event_source"] for line in text.lines() if line.get("message") == "request"]
    assert sources == ["rest", "http", "direct", "unknown", "alb"]


def test_a_named_stage_is_no_part_of_an_http_path(text: Served) -> None:
    context = {"http": {"method": "POST"}, "stage": "prod"}
    assert text(http_event(BODY, path="/prod/predict", requestContext=context))["statusCode"] == 200
    assert text(http_event(BODY, path="/predict", requestContext=context))["statusCode"] == 200  # by a custom domain
    assert text(http_event(BODY, path="/products/predict", requestContext=context))["statusCode"] == 404


def test_a_custom_domains_base_path_is_no_part_of_a_rest_path(text: Served) -> None:
    proxied = {"resource": "/{proxy+}", "pathParameters": {"proxy": "predict"}}
    assert text(rest_event(BODY, path="/moods/predict", **proxied))["statusCode"] == 200
    assert text(rest_event(BODY, path="/predict", **proxied))["statusCode"] == 200
    assert text(rest_event(BODY, path="/moods/predict"))["statusCode"] == 404


def test_headers_in_lists_are_read_where_there_are_no_others(text: Served) -> None:
    event = rest_event(BODY, headers=None, multiValueHeaders={"Content-Type": ["text/plain"]})
    assert text(event)["statusCode"] == 415


LISTS = {
    "headers": None,
    "multiValueHeaders": {"Content-Type": ["application/json"], "accept-encoding": ["br", "gzip"]},
}


def test_a_load_balancer_gets_the_kind_of_headers_that_it_sends(text: Served) -> None:
    single, lists = text(alb_event(BODY)), text(alb_event(BODY, lists=True))
    assert single.keys() == {"statusCode", "statusDescription", "headers", "body", "isBase64Encoded"}
    assert lists.keys() == {"statusCode", "statusDescription", "multiValueHeaders", "body", "isBase64Encoded"}
    assert lists["multiValueHeaders"] == {name: [value] for name, value in single["headers"].items()}
    assert content_of(single) == content_of(lists) == text(json.loads(BODY))


def test_a_load_balancers_event_with_lists_and_no_header_in_them_is_answered_in_lists(text: Served) -> None:
    assert "headers" not in text(alb_event(BODY, lists=True) | {"multiValueHeaders": {}})


@pytest.mark.parametrize(("method", "path", "status"), [
    ("POST", "/predict", "200 OK"), ("GET", "/predict", "405 Method Not Allowed"), ("GET", "/x", "404 Not Found"),
    ("OPTIONS", "/predict", "204 No Content"), ("HEAD", "/model", "200 OK"),
])  # fmt: skip
def test_a_load_balancer_is_told_the_status_in_words(text: Served, method: str, path: str, status: str) -> None:
    answer = text(alb_event(BODY, httpMethod=method, path=path))
    assert (answer["statusDescription"], str(answer["statusCode"])) == (status, status[:3])


def test_a_compressed_answer_reaches_a_load_balancer_in_lists(text_predictor: Predictor) -> None:
    accepting = {"multiValueHeaders": {"accept-encoding": ["br", "gzip"]}}
    body = json.dumps({"inputs": "good " * 60, "explain": True})
    event = alb_event(body, lists=True) | accepting
    answer = serve(text_predictor, "https://app.example.org")(event)
    assert answer["isBase64Encoded"] is True
    assert answer["multiValueHeaders"]["content-encoding"] == ["gzip"]
    assert answer["multiValueHeaders"]["vary"] == ["origin, accept-encoding"]


def test_a_rest_event_with_lists_alone_is_answered_in_lists(text: Served) -> None:
    answer = text(rest_event(BODY, **LISTS))
    assert (answer["statusCode"], answer["multiValueHeaders"]["content-type"]) == (200, ["application/json"])
    assert answer.keys() == {"statusCode", "multiValueHeaders", "body", "isBase64Encoded"}


def test_a_rest_event_with_both_kinds_of_headers_is_answered_in_plain_ones(text: Served) -> None:
    answer = text(rest_event(BODY, multiValueHeaders=LISTS["multiValueHeaders"]))
    assert answer.keys() == {"statusCode", "headers", "body", "isBase64Encoded"}


@pytest.mark.parametrize("lists", [False, True])
def test_a_load_balancers_health_check_is_told_whether_the_model_is_ready(text: Served, lists: bool) -> None:
    """It asks for `/` unless told another path, and has no body."""
    agent = {"user-agent": ["ELB-HealthChecker/2.0"] if lists else "ELB-HealthChecker/2.0"}
    event = alb_event("", lists=lists, httpMethod="GET", path="/")
    answer = text(event | {"multiValueHeaders" if lists else "headers": agent})
    assert (answer["statusCode"], content_of(answer)) == (200, {"ready": True})
    assert text(event)["statusCode"] == 404


def test_a_named_stage_is_no_part_of_an_http_apis_path_in_format_1_either(text: Served) -> None:
    staged = {"version": "1.0", "requestContext": {"stage": "prod"}}
    assert text(rest_event(BODY, path="/prod/predict", **staged))["statusCode"] == 200
    assert text(rest_event(BODY, path="/predict", **staged))["statusCode"] == 200
    assert text(rest_event(BODY, path="/prod/predict"))["statusCode"] == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": None},
        {"headers": {}},
        {"headers": {"CONTENT-TYPE": "application/json; charset=utf-8"}},
        {"body": base64.b64encode(BODY.encode()).decode(), "isBase64Encoded": True},
        {"requestContext": {"elb": None}},
        {"requestContext": None},
        {"cookies": ["a=b"]},
    ],
)
@pytest.mark.parametrize("make", [alb_event, rest_event])
def test_what_differs_between_event_sources_does_not_change_the_answer(
    text: Served, make: Callable[[str], dict[str, Any]], changes: dict[str, object]
) -> None:
    answer = text(make(BODY) | changes)
    assert (answer["statusCode"], content_of(answer)) == (200, text(json.loads(BODY)))


@pytest.mark.parametrize(
    "changes",
    [
        {"requestContext": None},
        {"requestContext": {"http": None}},
        {"requestContext": {"http": {"method": 3}}},
        {"rawPath": None},
        {"rawPath": 3},
    ],
)
def test_an_http_event_that_is_none_gets_a_bare_400(text: Served, changes: dict[str, object]) -> None:
    assert text(http_event(BODY, **changes))["status"] == 400


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"headers": []}, 200),
        ({"headers": {"content-type": None}}, 200),
        ({"headers": {"content-type": 3}}, 200),
        ({"body": 3}, 400),
        ({"body": {"inputs": "good"}}, 400),
        ({"isBase64Encoded": "true"}, 200),
        ({"requestContext": {"http": {"method": "POST"}, "stage": 3}}, 200),
    ],
)
def test_odd_members_of_an_http_event_do_no_harm(text: Served, changes: dict[str, object], status: int) -> None:
    assert text(http_event(BODY) | changes)["statusCode"] == status


def test_a_direct_invocation_takes_the_options_of_predict(text: Served) -> None:
    answer = text({"inputs": "good", "top_k": 1, "explain": True, "abstain_below": 1})
    [prediction] = answer["predictions"]
    assert len(prediction["scores"]) == 1
    assert prediction["abstained"] is True
    assert [part["start"] for part in prediction["contributions"]] == [0]
