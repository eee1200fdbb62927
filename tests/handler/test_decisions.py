"""What JSON leaves open, decided on purpose: the rows of the table in docs/api.md, in its order."""

from __future__ import annotations

import json

import pytest

from tests.handler.conftest import Served

DEEP = "[" * 33 + "]" * 33


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ('{"inputs": {"age": NaN}}', 400, "malformed-body"),
        ('{"inputs": {"age": -Infinity}}', 400, "malformed-body"),
        ('{"inputs": {"age": 1, "age": 1}}', 400, "malformed-body"),
        (f'{{"inputs": {DEEP}}}', 400, "malformed-body"),
        ('\ufeff{"inputs": {"age": 1}}', 400, "malformed-body"),
        ('{"inputs": {"age": ' + "1" * 4301 + "}}", 400, "malformed-body"),
        ('{"inputs": {"age": 1e999}}', 422, "out-of-range"),
        ('{"inputs": {"age": 3.5e38}}', 422, "out-of-range"),
        ('{"inputs": {"age": "3"}}', 422, "wrong-type"),
        ('{"inputs": {"age": true}}', 422, "wrong-type"),
        ('{"inputs": {"colour": 7}}', 200, None),
        ('{"inputs": {"colour": 7.0}}', 200, None),
        ('{"inputs": {"colour": true}}', 200, None),
        ('{"inputs": {"colour": 7.5}}', 422, "wrong-type"),
        ('{"inputs": {"age": null}}', 200, None),
        ('{"inputs": {}}', 422, "no-columns"),
        (r'{"inputs": {"colour": "\ud83d"}}', 422, "not-unicode"),
        (r'{"inputs": {"colour": "red\u0000"}}', 200, None),
        (json.dumps({"inputs": {"colour": "e" + "\u0301" * 257}}), 422, "too-many-marks"),
        ('{"inputs": {"colour": ""}}', 200, None),
        ('{"inputs": []}', 422, "no-inputs"),
        ('{"inputs": {"aeg": 1}}', 422, "unknown-column"),
        ('{"inputs": {"age": 1}, "input": 1}', 422, "unknown-key"),
        ('{"inputs": null}', 422, "wrong-type"),
        ('{"inputs": {"age": 1}}', 200, None),
    ],
)
def test_what_json_leaves_open_is_decided(tabular: Served, body: str, status: int, kind: str | None) -> None:
    found, content = tabular.post(body)
    assert (found, content.get("type")) == (status, kind and f"urn:limbeck:problem:{kind}")


def test_a_null_is_no_text(text: Served) -> None:
    status, content = text.predict([None])
    assert (status, content["pointer"]) == (422, "/inputs/0")


def test_a_nul_separates_words_and_cuts_nothing_off(text: Served, tabular: Served) -> None:
    assert text.predict("good\0bad bad")[1]["predictions"] == text.predict("good bad bad")[1]["predictions"]
    red, other = tabular.predict([{"colour": "red"}, {"colour": "red\0x"}])[1]["predictions"]
    assert red["score"] != other["score"]


def test_both_forms_of_an_accent_are_one_text(text: Served) -> None:
    composed, decomposed = text.predict(["caf\u00e9 good", "cafe\u0301 good"])[1]["predictions"]
    assert composed == decomposed


def test_a_code_is_taken_as_the_word_that_it_was_in_training(tabular: Served) -> None:
    as_number, as_word = tabular.predict([{"colour": 7.0}, {"colour": "7"}])[1]["predictions"]
    assert as_number == as_word
