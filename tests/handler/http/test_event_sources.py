"""One handler behind every kind of event source."""

from __future__ import annotations

import json

import pytest

from tests.handler.conftest import Served, rest_event
from tests.handler.events import content_of, http_event

BODY = '{"inputs": "good"}'


def test_every_event_source_gives_the_same_answer(text: Served) -> None:
    rest, http, bare = text(rest_event(BODY)), text(http_event(BODY)), text(json.loads(BODY))
    assert content_of(rest) == content_of(http) == bare
    assert rest["statusCode"] == http["statusCode"] == 200


def test_the_log_names_the_event_source(text: Served) -> None:
    for event in (rest_event(BODY), http_event(BODY), json.loads(BODY), {"what": 1}):
        text(event)
    sources = [line["event_source"] for line in text.lines() if line.get("message") == "request"]
    assert sources == ["rest", "http", "direct", "unknown"]


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
