"""Requests as strangers send them: each test is something that once stood in a user's way."""

from __future__ import annotations

import pytest

from handler import inputs
from handler.contract import Input, Limits
from handler.errors import RequestError
from tests.bundles import tabular_serving

ACCENTED = tabular_serving(
    inputs=(Input("r\u00e9gion", "string", "category"), Input("age", "float32", "number")),
    limits=Limits(max_inputs=3, max_characters=10, max_body_bytes=1000),
)


def test_a_column_name_in_decomposed_letters_is_the_same_column() -> None:
    assert inputs.check({"re\u0301gion": "Nord", "age": 3}, ACCENTED) == [{"r\u00e9gion": "Nord", "age": 3.0}]


def test_both_forms_of_a_column_name_at_once_are_refused() -> None:
    with pytest.raises(RequestError) as caught:
        inputs.check([{"re\u0301gion": "Nord", "r\u00e9gion": "Sud"}], ACCENTED)
    assert (caught.value.status, caught.value.pointer) == (422, "/inputs/0")
    assert "Nord" not in caught.value.detail
