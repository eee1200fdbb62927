from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import RequestError
from handler.http import strict_json

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


@given(values)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert strict_json.loads(json.dumps(value).encode(), 200) == value


@given(st.binary(max_size=60) | st.text(alphabet='[]{}":,\\ue0123-+.naNtrfls \ud7ff\n', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_with_400(body: bytes) -> None:
    try:
        strict_json.loads(body, 32)
    except RequestError as error:
        assert error.status == 400


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"{", "line 1, column 2"),
        (b'{"inputs":\n"a" "b"}', "line 2, column 5"),
        (b'{"inputs": NaN}', "NaN or Infinity"),
        (b'{"inputs": -Infinity}', "NaN or Infinity"),
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b'{"inputs": {"a": 1, "a": 1}}', "same key twice"),
        (b'{"inputs": "caf\xe9"}', "not UTF-8: it breaks at byte 15"),
        (b"\xef\xbb\xbf{}", "line 1, column 1"),
        (b'{"inputs": "\xed\xa0\x80"}', "not UTF-8"),
        (b"9" * 5000, "too many digits"),
        (b"[" * 100_000, "deeper than 32"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "deeper than 32"),
        (b"'single'", "line 1, column 1"),
        (b"{} {}", "line 1, column 4"),
        (b'"tab\there"', "not JSON"),
        (b'"\\x41"', "not JSON"),
        (b"01", "not JSON"),
    ],
)
def test_a_malformed_body_gets_400_and_says_where(body: bytes, words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        strict_json.loads(body, 32)
    assert caught.value.status == 400


def test_brackets_inside_strings_are_not_depth() -> None:
    body = json.dumps({"inputs": ["[[[" * 50, '\\"[{' * 50, "]" * 9]}).encode()
    assert strict_json.loads(body, 32) == json.loads(body)


def test_many_shallow_brackets_are_not_depth() -> None:
    body = json.dumps([[{}]] * 500).encode()
    assert strict_json.loads(body, 32) == [[{}]] * 500
