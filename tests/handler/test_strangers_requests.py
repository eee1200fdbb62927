"""Requests as strangers send them: each test is something that once stood in a user's way."""

from __future__ import annotations

import pytest

from handler.bundle.contract import Input, Limits
from handler.errors import RequestError
from handler.http import strict_json
from handler.modalities import register
from tests.bundles import tabular_serving

ACCENTED = tabular_serving(
    inputs=(Input("r\u00e9gion", "string", "category"), Input("age", "float32", "number")),
    limits=Limits(max_inputs=3, max_characters=10, max_body_bytes=1000, max_depth=32, max_explained=64),
)


def test_a_column_name_in_decomposed_letters_is_the_same_column() -> None:
    assert register.check({"re\u0301gion": "Nord", "age": 3}, ACCENTED) == [{"r\u00e9gion": "Nord", "age": 3.0}]


def test_both_forms_of_a_column_name_at_once_are_refused() -> None:
    with pytest.raises(RequestError) as caught:
        register.check([{"re\u0301gion": "Nord", "r\u00e9gion": "Sud"}], ACCENTED)
    assert (caught.value.status, caught.value.pointer) == (422, "/inputs/0")
    assert "Nord" not in caught.value.detail


@pytest.mark.parametrize(("sent", "meant"), [(7, "7"), (7.0, "7"), (-0.0, "0"), (True, "true"), ("7.0", "7.0")])
def test_a_code_may_be_sent_as_a_whole_number(sent: object, meant: str) -> None:
    assert register.check({"r\u00e9gion": sent}, ACCENTED) == [{"r\u00e9gion": meant}]


@pytest.mark.parametrize("sent", [7.5, float("inf"), float("nan"), 1e300, 2**80])
def test_a_number_that_is_no_code_is_refused_where_a_category_is_wanted(sent: float) -> None:
    with pytest.raises(RequestError, match="wants a string or null, found a number"):
        register.check({"r\u00e9gion": sent}, ACCENTED)


def test_a_byte_order_mark_is_named() -> None:
    with pytest.raises(RequestError, match="byte order mark"):
        strict_json.loads('\ufeff{"inputs": "good"}'.encode(), 32)
