"""A short run of `make fuzz`, and proof that its rules find what they are there to find."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handler.bundle.contract import Input
from tests import bundles
from tests.fuzz import campaign
from tests.fuzz.__main__ import LEAST_SHARE
from tests.fuzz.event_sources import EVENT_SOURCES, PREDICT, Ask
from tests.fuzz.rules import CANARY
from tests.fuzz.site import Site

SEED = 20260101
ODD_NAMES = ("a/b~c", "{}", "$ref", '"q"', "\u00e9t\u00e9", "\u5e74 \u9f84", "x\\y", "__proto__", "inputs", "%2F")
GOOD = Ask("POST", PREDICT, (("content-type", "application/json"),), json.dumps({"inputs": "good"}).encode())


def text(folder: Path) -> None:
    bundles.text_bundle(folder)


def tabular(folder: Path) -> None:
    bundles.tabular_bundle(folder)


def odd_names(folder: Path) -> None:
    inputs = tuple(Input(name, "float32", "number") for name in ODD_NAMES)
    serving = bundles.tabular_serving(inputs=inputs, labels=("a/b", "{x}"))
    bundles.seal(folder, bundles.numbers_model(ODD_NAMES), serving, "odd-names")


@pytest.mark.parametrize(("make", "requests"), [(text, 700), (tabular, 500), (odd_names, 300)])
def test_strangers_get_documented_answers_and_nothing_they_send_is_told(
    make: Callable[[Path], None], requests: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    tally = campaign.run(tmp_path, requests, SEED).tally
    assert [f"{failure.route}: {failure.rule}: {failure.event[:500]}" for failure in tally.failures.values()] == []
    assert tally.requests >= requests
    assert tally.share_of_200s >= LEAST_SHARE
    assert {source for _, source, _ in tally.statuses} == {*EVENT_SOURCES, "direct", "odd"}
    assert capfd.readouterr() == ("", "")  # nothing went past Python's own streams, from ONNX Runtime say


def test_the_same_seed_asks_the_same(tmp_path: Path) -> None:
    text(tmp_path)
    digests = [campaign.run(tmp_path, 120, seed).tally.digest.hexdigest() for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    text(tmp_path)
    return Site(tmp_path)


def rules_broken_with(site: Site, answer: Callable[[Any], dict[str, Any]]) -> str:
    """The rules that break where the function answers like this."""
    site._handle = lambda event, context: answer(event)
    site.ask(GOOD, "rest")
    return "; ".join(rule for rule, _ in site.tally.failures)


def result(status: int, content: object, media_type: str = "application/json") -> dict[str, Any]:
    headers = {"content-type": media_type}
    return {"statusCode": status, "headers": headers, "body": json.dumps(content), "isBase64Encoded": False}


def test_a_right_answer_breaks_no_rule(site: Site) -> None:
    assert site.ask(GOOD).status == 200
    assert site.tally.failures == {}


def test_an_exception_is_found(site: Site) -> None:
    assert "ZeroDivisionError instead of an answer" in rules_broken_with(site, lambda event: {"statusCode": 1 // 0})


def test_a_fault_is_found(site: Site) -> None:
    assert "status 500" in rules_broken_with(site, lambda event: result(500, {}, "application/problem+json"))


def test_an_undocumented_status_is_found(site: Site) -> None:
    assert "status 418 is not documented" in rules_broken_with(site, lambda event: result(418, {}))


def test_an_answer_of_another_shape_is_found(site: Site) -> None:
    assert "breaks the schema" in rules_broken_with(site, lambda event: result(200, {"predictions": []}))


def test_an_undocumented_content_type_is_found(site: Site) -> None:
    assert "content type text/html is not documented" in rules_broken_with(
        site, lambda event: result(200, {}, "text/html")
    )


def test_input_in_the_log_is_found_however_it_is_escaped(site: Site) -> None:
    handle = site._handle

    def leaky(event: object, context: object) -> dict[str, Any]:
        site.output.write(json.dumps({"message": json.loads(event["body"])["inputs"]}) + "\n")  # type: ignore[index]
        return handle(event, context)

    site._handle = leaky
    for word in ("a rather long and private \u00e9\u00e8 word", f"x{CANARY}"):
        site.ask(Ask("POST", PREDICT, GOOD.headers, json.dumps({"inputs": word}).encode()), "http")
    rules = [rule for rule, _ in site.tally.failures]
    assert sum(rule.startswith("the log tells of the input") for rule in rules) == 2


def test_an_echo_in_a_problem_document_is_found(site: Site) -> None:
    def echo(event: dict[str, Any]) -> dict[str, Any]:
        detail = f"cannot read {event['body']}"
        return result(422, {"type": "urn:limbeck:problem:wrong-type", "detail": detail}, "application/problem+json")

    site._handle = lambda event, context: echo(event)  # type: ignore[arg-type]
    site.ask(Ask("POST", PREDICT, GOOD.headers, b'["some words of a stranger"]'), "url")
    assert any(rule.startswith("the problem document tells of the input") for rule, _ in site.tally.failures)


def test_a_log_line_that_is_no_json_is_found(site: Site) -> None:
    handle = site._handle

    def chatty(event: object, context: object) -> dict[str, Any]:
        site.output.write("Traceback (most recent call last):\n")
        return handle(event, context)

    site._handle = chatty
    site.ask(GOOD)
    assert [rule for rule, _ in site.tally.failures] == ["a log line that is not JSON"]
