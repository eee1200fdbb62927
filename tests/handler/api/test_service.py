from __future__ import annotations

import base64
import json
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handler.bundle.contract import Limits
from handler.model.predictor import Predictor
from tests import bundles
from tests.handler.conftest import Served, rest_event, serve

SECRET = "zqsecret"
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["inputs", "age", "colour"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_one_text_gets_one_prediction_and_the_model_that_gave_it(text: Served) -> None:
    status, content = text.predict("a good film")
    assert status == 200
    assert content.keys() == {"predictions", "model"}
    [prediction] = content["predictions"]
    assert prediction.keys() == {"label", "score", "scores", "abstained", "novelty"}
    assert prediction["label"] == "positive"
    assert prediction["scores"].keys() == {"negative", "positive"}
    assert content["model"].keys() == {"name", "version"}


def test_predictions_come_in_the_order_of_the_inputs(tabular: Served) -> None:
    status, content = tabular.predict([{"age": 70, "colour": "red"}, {"age": 20}, {"colour": None, "age": 90}])
    assert status == 200
    assert [prediction["label"] for prediction in content["predictions"]] == ["yes", "no", "yes"]


def test_a_rest_answer_has_a_status_headers_and_a_text_body(text: Served) -> None:
    answer = text(rest_event('{"inputs": "good"}'))
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["isBase64Encoded"] is False
    assert isinstance(answer["body"], str)


def test_a_direct_invocation_gets_the_same_content_bare(text: Served) -> None:
    inputs = ["good", "bad"]
    assert text({"inputs": inputs}) == text.predict(inputs)[1]


def test_a_direct_invocation_refused_gets_the_problem_document_bare(text: Served) -> None:
    answer = text({"inputs": [3]})
    assert answer["status"] == 422
    assert answer["type"] == "urn:limbeck:problem:wrong-type"


@pytest.mark.parametrize("event", [{}, {"httpMethod": "POST"}, [], None, "text", 3, {"Records": []}])
def test_an_event_of_no_known_shape_gets_a_bare_400(text: Served, event: object) -> None:
    assert text(event)["status"] == 400
    assert text(event)["type"] == "urn:limbeck:problem:unknown-event"


def test_a_problem_is_rfc_9457_and_carries_the_request_id(text: Served) -> None:
    answer = text(rest_event('{"inputs": ["good", 3]}'))
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert json.loads(answer["body"]) == {
        "type": "urn:limbeck:problem:wrong-type",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "An input wants a string, found a number.",
        "pointer": "/inputs/1",
        "instance": "c0ffee00-0000-4000-8000-000000000001",
    }


def test_a_base64_body_is_read(text: Served) -> None:
    body = base64.b64encode('{"inputs": "très good"}'.encode()).decode()
    assert text.post(body, isBase64Encoded=True)[0] == 200


@pytest.mark.parametrize("body", ["{}", "!!!!", "é", "YQ"])
def test_a_body_that_is_not_the_base64_it_says_gets_400(text: Served, body: str) -> None:
    assert text.post(body, isBase64Encoded=True)[0] == 400


def test_a_lone_surrogate_gets_a_4xx_wherever_it_stands(text: Served, tabular: Served) -> None:
    assert text.post('{"inputs": "\ud83d"}')[0] == 400
    assert text.post(r'{"inputs": "\ud83d"}')[0] == 422
    assert text.post(r'{"inputs": "\ud83d\ude00"}')[0] == 200
    assert tabular.post(r'{"inputs": {"colour": "\udc00"}}')[0] == 422
    assert tabular.post(r'{"inputs": {"\udc00": 1}}')[0] == 422


@pytest.mark.parametrize("body", [None, "", "nonsense", '{"inputs": "good"'])
def test_a_malformed_body_gets_400(text: Served, body: str | None) -> None:
    status, content = text.post(body)
    assert status == 400
    assert content["type"] == "urn:limbeck:problem:malformed-body"


@pytest.mark.parametrize("body", ["[]", '"good"', "3", "null", "{}", '{"input": "good"}', '{"inputs": 1, "more": 2}'])
def test_json_that_is_not_an_object_with_inputs_gets_422(text: Served, body: str) -> None:
    status, content = text.post(body)
    assert status == 422
    assert '"inputs"' in content["detail"] and content["pointer"] == ""


def test_a_body_over_the_limit_gets_413_and_is_not_parsed(text: Served) -> None:
    status, content = text.post("x" * 20_001)
    assert status == 413
    assert "20,001 or more bytes, the limit is 20,000" in content["detail"]


def test_bytes_are_counted_and_not_characters(text: Served) -> None:
    body = json.dumps({"inputs": ["é" * 1900] * 7}, ensure_ascii=False)
    assert len(body) < 20_000 < len(body.encode())
    assert text.post(body)[0] == 413


def test_an_oversize_text_gets_413(text: Served) -> None:
    assert text.predict("x" * 2000)[0] == 200
    status, content = text.predict(["x", "x" * 2001])
    assert (status, content["pointer"]) == (413, "/inputs/1")


def test_too_many_inputs_get_413(text: Served) -> None:
    assert text.predict(["x"] * 8)[0] == 200
    assert text.predict(["x"] * 9)[0] == 413


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 200),
        ("", 200),
        ("application/json", 200),
        ("Application/JSON; charset=UTF-8", 200),
        ('application/json;charset="utf-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
    ],
)
def test_a_body_is_json_or_gets_415(text: Served, content_type: str | None, status: int) -> None:
    for name in ("Content-Type", "content-type", "CONTENT-TYPE"):
        headers = {"Accept": "*/*"} if content_type is None else {"Accept": "*/*", name: content_type}
        assert text.post('{"inputs": "good"}', headers=headers)[0] == status
    assert text.post('{"inputs": "good"}', headers=None)[0] == 200


@pytest.mark.parametrize("path", ["/", "", "/predict/", "/Predict", "/v2/health", "/../predict", "/predict?x=1"])
def test_an_unknown_path_gets_404(text: Served, path: str) -> None:
    status, content = text.post('{"inputs": "good"}', path=path)
    assert status == 404
    assert "POST /predict" in content["detail"]


@pytest.mark.parametrize(("path", "allowed"), [("/predict", ["POST"]), ("/v2/health/ready", ["GET", "HEAD"])])
def test_another_method_gets_405_with_what_is_allowed(text: Served, path: str, allowed: list[str]) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "get"):
        answer = text(rest_event("{}", path=path, httpMethod=method))
        if method not in [*allowed, "OPTIONS"]:
            assert answer["statusCode"] == 405
            assert answer["headers"]["allow"] == ", ".join([*allowed, "OPTIONS"])


def test_probes_answer(text: Served) -> None:
    for path, content in (("/v2/health/ready", {"ready": True}), ("/v2/health/live", {"live": True})):
        answer = text(rest_event(None, path=path, httpMethod="GET"))
        assert (answer["statusCode"], json.loads(answer["body"])) == (200, content)


class Broken(Predictor):
    """A predictor whose graph fails, with an exception that quotes its input."""

    def outputs(self, arrays: Any) -> Any:  # noqa: ANN401
        raise RuntimeError(f"node failed on {arrays}")


class Overflowing(Predictor):
    """A predictor whose graph answers with NaN."""

    def outputs(self, arrays: Any) -> Any:  # noqa: ANN401
        return np.full((1, 2), np.nan, np.float32), np.zeros(1, np.float32)


def test_a_fault_of_ours_is_a_500_that_tells_its_type_in_the_log_alone(sealed: Any) -> None:  # noqa: ANN401
    served = serve(Broken.load(sealed("text")))
    answer = served(rest_event(json.dumps({"inputs": SECRET})))
    assert answer["statusCode"] == 500
    assert "RuntimeError" not in answer["body"] and "Traceback" not in answer["body"]
    line = served.lines()[0]
    assert (line["level"], line["fault"], line["status"]) == ("ERROR", "RuntimeError", 500)
    assert SECRET not in answer["body"] + served.log.getvalue()
    assert "Traceback" not in served.log.getvalue()


def test_an_answer_that_is_no_number_is_refused_and_not_sent(sealed: Any) -> None:  # noqa: ANN401
    status, content = serve(Overflowing.load(sealed("text"))).predict("good")
    assert (status, content["type"]) == (422, "urn:limbeck:problem:out-of-range")


def test_an_answer_over_lambdas_limit_is_refused_before_it_is_made(tmp_path: Any) -> None:  # noqa: ANN401
    limits = Limits(max_inputs=100_000, max_characters=10, max_body_bytes=6_000_000, max_depth=32, max_explained=64)
    bundles.text_bundle(tmp_path, bundles.text_serving(limits=limits))
    served = serve(Predictor.load(tmp_path))
    status, content = served.predict(["x"] * 100_000)
    assert status == 413
    most = int(content["detail"].split("at most ")[1].split(" ")[0])
    status, content = served.predict(["x"] * most)
    assert status == 200
    assert len(json.dumps(json.dumps(content))) < 6_000_000


@pytest.mark.parametrize("number", [sys.float_info.max, 3.4028234663852886e38, -3.4028234663852886e38, 1e-320, -0.0])
def test_extreme_numbers_get_an_answer_or_a_422(tabular: Served, number: float) -> None:
    assert tabular.predict({"age": number})[0] in (200, 422)


@shared
@given(body=st.binary(max_size=200))
@example(b'{"inputs": "\\ud800"}')
@example(b'{"inputs": ["\\u0000", "good\\u0000"]}')
def test_no_bytes_get_a_500(text: Served, tabular: Served, body: bytes) -> None:
    for served in (text, tabular):
        status, _ = served.post(base64.b64encode(body).decode(), isBase64Encoded=True)
        assert status in (200, 400, 413, 422)


@shared
@given(value=values)
def test_no_json_gets_a_500(text: Served, tabular: Served, value: object) -> None:
    for served in (text, tabular):
        for body in (value, {"inputs": value}, {"inputs": [value]}):
            assert served.post(json.dumps(body))[0] in (200, 400, 413, 422)
            assert served(body).get("status", 200) in (200, 400, 413, 422)


@shared
@given(inputs=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8))
def test_any_text_of_unicode_gets_an_answer(text: Served, inputs: list[str]) -> None:
    assert text.predict(inputs)[0] == 200


@pytest.mark.parametrize(
    "event",
    [
        {"inputs": SECRET},
        {"inputs": [SECRET, 3]},
        {"inputs": {SECRET: 3}},
        {"inputs": {"age": SECRET}},
        {"inputs": {"colour": SECRET}},
        {SECRET: 1},
        rest_event(SECRET),
        rest_event(SECRET, isBase64Encoded=True),
        rest_event(f'{{"inputs": "{SECRET}", "{SECRET}": 1}}'),
        rest_event(f'{{"{SECRET}": 1, "{SECRET}": 1}}'),
        rest_event("{}", path=f"/{SECRET}"),
        rest_event("{}", httpMethod=SECRET),
        rest_event("{}", headers={"Content-Type": SECRET}),
    ],
)
def test_nothing_sent_is_ever_logged_or_sent_back(text: Served, tabular: Served, event: object) -> None:
    for served in (text, tabular):
        answer = served(event)
        assert SECRET not in json.dumps(answer)
        assert SECRET not in served.log.getvalue()
