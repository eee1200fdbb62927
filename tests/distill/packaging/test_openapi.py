"""A model's OpenAPI document: right by its standard, exact by columns and labels, true of the handler."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from distill.packaging.openapi.document import document
from handler.bundle import contract
from handler.bundle.contract import Input, Limits, Serving
from tests import bundles
from tests.bundles import image_serving, tabular_serving, text_serving
from tests.fuzz.event_sources import Ask
from tests.fuzz.site import Site

NASTY = (
    "a/b~c",
    "{}",
    "$ref",
    '"q"',
    "\u00e9t\u00e9",
    "\u5e74 \u9f84",
    "x\\y",
    "__proto__",
    "%2F",
    "",
    "inputs",
    "a\nb",
)
NASTY_TABLE = tabular_serving(
    inputs=tuple(Input(name, *(("float32", "number"), ("string", "category"))[i % 2]) for i, name in enumerate(NASTY)),
    labels=("$ref", "a/b", "{x}", "", "\u00e9"),
)
SERVINGS = {
    "text": text_serving(),
    "tabular": tabular_serving(),
    "image": image_serving(),
    "nasty": NASTY_TABLE,
    "costs": text_serving(costs=bundles.DANGEROUS),
}
NO_SUBSCHEMA = {"const", "enum", "examples", "required"}

every_serving = pytest.mark.parametrize("serving", SERVINGS.values(), ids=SERVINGS)


def made(serving: Serving) -> dict[str, Any]:
    return document("tiny", "0123456789ab", serving)


def admits(serving: Serving, schema: str, value: object) -> bool:
    """Whether one of the document's schemas takes a value."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": made(serving)["components"]}
    return jsonschema.Draft202012Validator(whole).is_valid(value)


def admits_input(serving: Serving, value: object) -> bool:
    return admits(serving, "PredictRequest", {"inputs": value})


@every_serving
def test_the_document_is_openapi_3_1(serving: Serving) -> None:
    OpenAPIV31SpecValidator(made(serving)).validate()


@every_serving
def test_the_document_is_json_and_the_same_each_time(serving: Serving) -> None:
    once, again = (json.dumps(made(serving), allow_nan=False) for _ in range(2))
    assert once == again


@every_serving
def test_every_operation_has_an_id_of_its_own(serving: Serving) -> None:
    ids = [operation["operationId"] for item in made(serving)["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids)) == 12


def test_the_request_names_this_models_columns_and_no_others() -> None:
    serving = tabular_serving()
    assert made(serving)["components"]["schemas"]["Input"]["properties"].keys() == {"age", "colour"}
    assert admits_input(serving, {"age": 1.5, "colour": "red"})
    assert admits_input(serving, [{"age": None}, {"colour": None}])
    assert not admits_input(serving, {"Age": 1.5})
    assert not admits_input(serving, {})
    assert not admits_input(serving, [])


@pytest.mark.parametrize("cell", ["1.5", True, 3.5e38, -3.5e38, [1]])
def test_a_number_is_a_number_that_32_bits_hold(cell: object) -> None:
    assert not admits_input(tabular_serving(), {"age": cell})


@pytest.mark.parametrize(
    ("cell", "taken"),
    [("red", True), (7, True), (7.0, True), (True, True), (None, True), (7.5, False), (2**63, False), (-(2**63), True)],
)
def test_a_category_may_be_sent_as_a_whole_number_or_a_boolean(cell: object, taken: bool) -> None:
    assert admits_input(tabular_serving(), {"colour": cell}) is taken


def test_the_answer_names_this_models_labels() -> None:
    scores = made(text_serving())["components"]["schemas"]["Prediction"]["properties"]
    assert scores["label"]["enum"] == ["negative", "positive"]
    assert scores["scores"]["properties"].keys() == {"negative", "positive"}
    assert scores["scores"]["additionalProperties"] is False


def test_the_limits_stand_in_the_schemas_and_beside_them() -> None:
    serving = text_serving(limits=Limits(3, 12, 9999, 17, 5))
    assert made(serving)["x-limbeck-limits"] == {
        "max_inputs": 3, "max_characters": 12, "max_body_bytes": 9999, "max_depth": 17, "max_explained": 5
    }  # fmt: skip
    assert admits_input(serving, ["a" * 12] * 3)
    assert not admits_input(serving, "a" * 13)
    assert not admits_input(serving, ["a"] * 4)
    assert all(number in made(serving)["info"]["description"] for number in ("3", "12", "9,999", "17", "5"))


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({"top_k": 1, "explain": True, "abstain_below": 1}, True),
        ({"top_k": 0}, False),
        ({"top_k": 1.5}, False),
        ({"explain": 1}, False),
        ({"abstain_below": 1.1}, False),
        ({"abstain_below": None}, False),
        ({"Explain": True}, False),
    ],
)
def test_options_have_their_ranges_and_there_are_no_others(options: dict[str, object], taken: bool) -> None:
    assert admits(text_serving(), "PredictRequest", {"inputs": "a", **options}) is taken


def test_the_server_is_where_the_document_was_found_also_behind_a_stage() -> None:
    from urllib.parse import urljoin

    (server,) = made(text_serving())["servers"]
    assert urljoin("https://a.example/prod/openapi.json", server["url"]) == "https://a.example/prod/"


def test_a_column_called_like_a_reference_is_left_out_of_the_examples_alone() -> None:
    schemas = made(NASTY_TABLE)["components"]["schemas"]
    assert "$ref" in schemas["Input"]["properties"]
    assert all("$ref" not in example for example in schemas["Input"]["examples"])


@every_serving
def test_every_reference_leads_somewhere_and_every_component_is_referred_to(serving: Serving) -> None:
    whole = made(serving)
    parts = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in whole["components"][kind]}
    found = set(references(whole))
    assert found <= parts
    # What no operation's own path can give: these describe the paths beside the documented ones.
    assert parts - found == {"#/components/responses/Problem404", "#/components/responses/Problem405"}


def references(value: object, inside: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref" and isinstance(item, str):
                yield item
            elif key not in NO_SUBSCHEMA:
                yield from references(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from references(item, inside)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Site]:
    """The function, as it starts from a bundle."""
    root = tmp_path_factory.mktemp("sites")
    names = tuple(name for name in NASTY if name)  # a graph's input has a name
    numbers = tabular_serving(inputs=tuple(Input(name, "float32", "number") for name in names), labels=("a/b", "{x}"))
    makers: dict[str, Callable[[Path], object]] = {
        "text": bundles.text_bundle,
        "tabular": bundles.tabular_bundle,
        "image": bundles.image_bundle,
        "nasty": lambda folder: bundles.seal(folder, bundles.numbers_model(names), numbers, "nasty"),
        "costs": bundles.priced_bundle,
        "costs without abstaining": lambda folder: bundles.priced_bundle(
            folder, replace(bundles.DANGEROUS, abstain=None)
        ),
    }
    started: dict[str, Site] = {}

    def start(kind: str) -> Site:
        if kind not in started:
            makers[kind](root / kind)
            started[kind] = Site(root / kind)
        return started[kind]

    return start


every_site = pytest.mark.parametrize("kind", ["text", "tabular", "image", "nasty", "costs", "costs without abstaining"])


@every_site
def test_the_document_is_served_as_it_was_sealed(kind: str, sites: Callable[[str], Site]) -> None:
    site = sites(kind)
    told = json.loads(site.ask(Ask("GET", "/model")).body)
    assert site.document["info"]["version"] == told["version"]
    assert site.document["x-limbeck-limits"] == told["limits"]
    assert json.loads(site.ask(Ask("GET", "/openapi.json"), "staged").body) == site.document


@every_site
def test_every_example_is_admitted_and_answered(kind: str, sites: Callable[[str], Site]) -> None:
    site, asked = sites(kind), 0
    for path, item in site.document["paths"].items():
        for media_type, content in item.get("post", {}).get("requestBody", {"content": {}})["content"].items():
            for example in content.get("examples", {}).values():
                whole = {**content["schema"], "components": site.document["components"]}
                jsonschema.Draft202012Validator(whole).validate(example["value"])
                body = json.dumps(example["value"]).encode()
                for source in ("rest", "http", "staged", "url"):
                    assert site.ask(Ask("POST", path, (("content-type", media_type),), body), source).status == 200
                    asked += 1
    assert asked == 16
    assert site.tally.failures == {}  # every answer is as documented


@every_site
def test_the_example_of_an_answer_is_one(kind: str, sites: Callable[[str], Site]) -> None:
    whole = sites(kind).document
    content = whole["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]
    jsonschema.Draft202012Validator({**content["schema"], "components": whole["components"]}).validate(
        content["example"]
    )


@every_site
def test_every_documented_read_is_answered_as_documented(kind: str, sites: Callable[[str], Site]) -> None:
    site = sites(kind)
    reads = [path for path, item in site.document["paths"].items() if "get" in item]
    assert len(reads) == 9
    assert {site.ask(Ask("GET", path)).status for path in reads} == {200}
    assert site.tally.failures == {}


def test_a_serving_section_without_a_label_share_is_described_too() -> None:
    serving = text_serving(drift_baseline=contract.DriftBaseline(0, 0.0, 0.0, 0.0, {}))
    OpenAPIV31SpecValidator(made(serving)).validate()


def test_a_model_without_costs_has_no_word_of_them_in_its_document() -> None:
    assert "cost" not in json.dumps(made(text_serving())).replace("may cost", "").replace("too-costly", "")
    described = made(text_serving(costs=bundles.DANGEROUS))["components"]["schemas"]
    assert described["Model"]["properties"]["costs"]["properties"]["matrix"]["const"] == [[0.0, 1.0], [20.0, 0.0]]
    assert "decision" in described["Prediction"]["required"]
