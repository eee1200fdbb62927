"""What stands at which path, and how the methods of HTTP are answered there."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from handler.api import routes
from handler.model.predictor import Predictor
from tests.handler.conftest import Served, rest_event, serve
from tests.handler.events import content_of, http_event

ROOT = Path(__file__).parents[3]
ORIGIN = "https://example.org"


def get(served: Served, path: str, method: str = "GET") -> dict[str, Any]:
    return served(rest_event(None, path=path, httpMethod=method))


def test_the_model_tells_all_that_decides_an_answer(tabular: Served, tabular_predictor: Predictor) -> None:
    told = content_of(get(tabular, "/model"))
    assert told["name"] == "tiny-tabular" and told["version"] == tabular_predictor.version
    assert told["labels"] == ["no", "yes"]
    assert told["inputs"][1] == {"name": "colour", "kind": "category", "datatype": "string"}
    assert told["limits"] == {
        "max_inputs": 8, "max_characters": 2000, "max_body_bytes": 20_000, "max_depth": 32, "max_explained": 64,
    }  # fmt: skip
    assert told["evidence"] == [{"name": "accuracy", "value": 0.9, "low": 0.85, "high": 0.94, "n": 200}]
    assert told["drift_baseline"]["mean_confidence"] == 0.8


def test_the_server_says_which_limbeck_it_is(text: Served) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert content_of(get(text, "/v2")) == {
        "name": "limbeck",
        "version": project["version"],
        "extensions": ["binary_tensor_data"],
    }
    assert routes.VERSION == project["version"]


def test_the_openapi_document_is_the_bundles_own_bytes(text: Served) -> None:
    answer = get(text, "/openapi.json")
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["body"] == '{"openapi":"3.1.0"}'


@pytest.mark.parametrize(
    ("path", "allow"), [("/predict", "POST, OPTIONS"), ("/model", "GET, HEAD, OPTIONS"), ("/v2", "GET, HEAD, OPTIONS")]
)
def test_options_tells_what_a_path_takes(text: Served, path: str, allow: str) -> None:
    answer = get(text, path, "OPTIONS")
    assert (answer["statusCode"], answer["headers"]["allow"], answer["body"]) == (204, allow, "")
    assert "content-type" not in answer["headers"]


def test_head_is_get_without_the_body(text: Served) -> None:
    answer = get(text, "/model", "HEAD")
    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_another_models_name_is_nowhere(text: Served) -> None:
    for path in ("/v2/models/other", "/v2/models/tiny-text/versions/000000000000", "/v2/models/"):
        answer = get(text, path)
        assert answer["statusCode"] == 404
        assert "/v2/models/tiny-text" in content_of(answer)["detail"]


def test_below_v2_a_problem_has_the_member_that_protocol_clients_read(text: Served) -> None:
    content = content_of(get(text, "/v2/models/other"))
    assert content["error"] == content["detail"]
    assert "error" not in content_of(get(text, "/other"))


def test_answers_are_not_for_caches_and_not_for_guessing(text: Served) -> None:
    headers = get(text, "/model")["headers"]
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_no_page_may_read_an_answer_unless_its_origin_is_named(text: Served, text_predictor: Predictor) -> None:
    assert not [name for name in get(text, "/predict", "OPTIONS")["headers"] if name.startswith("access-control")]
    opened = serve(text_predictor, ORIGIN)
    for event in (rest_event('{"inputs": "good"}'), rest_event("nonsense"), rest_event(None, path="/x")):
        headers = opened(event)["headers"]
        assert (headers["access-control-allow-origin"], headers["vary"]) == (ORIGIN, "origin")


def test_a_page_of_the_named_origin_is_told_what_it_may_send(text_predictor: Predictor) -> None:
    headers = get(serve(text_predictor, ORIGIN), "/predict", "OPTIONS")["headers"]
    assert "POST" in headers["access-control-allow-methods"]
    assert {"content-type", "x-api-key"} <= set(headers["access-control-allow-headers"].split(", "))


def test_a_function_url_adds_its_cors_headers_itself(text_predictor: Predictor) -> None:
    """Two headers of a kind, and a browser refuses the answer."""
    context = {"http": {"method": "POST"}, "stage": "$default", "domainName": "abc.lambda-url.eu-central-1.on.aws"}
    opened = serve(text_predictor, ORIGIN)
    answer = opened(http_event('{"inputs": "good"}', requestContext=context))
    assert answer["statusCode"] == 200
    assert not [name for name in answer["headers"] if name.startswith("access-control")]
    by_gateway = opened(http_event('{"inputs": "good"}'))
    assert by_gateway["headers"]["access-control-allow-origin"] == ORIGIN
