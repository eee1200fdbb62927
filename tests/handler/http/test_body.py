"""Bodies as they travel: base64, gzip, and their limits."""

from __future__ import annotations

import base64
import gzip
import json
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import RequestError
from handler.http import body
from handler.http.events import Request
from handler.http.response import Response
from tests.handler.conftest import Served, rest_event
from tests.handler.events import http_event

BODY = b'{"inputs": "good"}'


def encoded(data: bytes, encoding: str | None = None) -> Request:
    headers = {} if encoding is None else {"content-encoding": encoding}
    return Request("POST", "/predict", headers, base64.b64encode(data).decode(), is_base64=True)


def status_of(data: bytes, encoding: str | None = None, limit: int = 1000) -> int:
    try:
        body.read(encoded(data, encoding), limit)
    except RequestError as error:
        return error.status
    return 200


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (gzip.compress(BODY, mtime=0), "gzip"),
        (gzip.compress(BODY, mtime=0), "GZip "),
        (gzip.compress(BODY, mtime=0), "x-gzip"),
        (zlib.compress(BODY), "deflate"),
        (BODY, "identity"),
        (BODY, ""),
        (gzip.compress(BODY[:5], mtime=0) + gzip.compress(BODY[5:], mtime=0), "gzip"),
    ],
)
def test_a_compressed_body_is_read(text: Served, data: bytes, encoding: str) -> None:
    assert body.read(encoded(data, encoding), 1000) == BODY
    for event in (rest_event, http_event):
        headers = {"Content-Encoding": encoding}
        sent = event(base64.b64encode(data).decode(), isBase64Encoded=True, headers=headers)
        assert text(sent)["statusCode"] == 200


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "nonsense"])
def test_another_encoding_gets_415_with_those_that_are_read(text: Served, encoding: str) -> None:
    answer = text(rest_event("", headers={"content-encoding": encoding}))
    assert answer["statusCode"] == 415
    assert answer["headers"]["accept-encoding"] == "gzip, deflate"
    assert encoding not in answer["body"].replace("gzip, deflate", "")


def test_a_compressed_body_that_is_none_gets_400() -> None:
    packed = gzip.compress(BODY)
    assert status_of(BODY, "gzip") == 400
    assert status_of(packed[:-1], "gzip") == 400
    assert status_of(packed[:-8] + b"\0" * 8, "gzip") == 400
    assert status_of(packed + b"rest", "gzip") == 400
    assert status_of(packed, "deflate") == 400
    assert status_of(packed, "gzip") == 200


def test_the_limit_holds_before_and_after_decompression() -> None:
    assert status_of(b"x" * 1000) == 200
    assert status_of(b"x" * 1001) == 413
    assert status_of(gzip.compress(b"x" * 1000), "gzip") == 200
    assert status_of(gzip.compress(b"x" * 1001), "gzip") == 413


def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, 1)
    started = time.perf_counter()
    assert status_of(bomb, "gzip", limit=1_000_000) == 413
    assert time.perf_counter() - started < 0.5


def test_thousands_of_empty_members_cost_no_time() -> None:
    started = time.perf_counter()
    assert status_of(gzip.compress(b"") * 40_000, "gzip", limit=1_000_000) == 400
    assert time.perf_counter() - started < 0.5


@given(st.binary(max_size=100), st.sampled_from(["gzip", "deflate", None]))
def test_any_bytes_are_read_or_refused(data: bytes, encoding: str | None) -> None:
    assert status_of(data, encoding) in (200, 400)


@given(st.binary(max_size=2000))
def test_what_gzip_packs_is_read_back(data: bytes) -> None:
    assert body.read(encoded(gzip.compress(data), "gzip"), 2000) == data


LONG = Response(200, {"text": "x" * 3000})


@pytest.mark.parametrize(
    ("accepted", "packs"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("deflate, x-gzip", True),
        ("gzip; q=0.001", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("*, gzip;q=0.0", False),
        ("gzip;q=", False),
        (",;,=", False),
    ],
)
def test_an_answer_is_packed_where_the_caller_accepts_it(accepted: str, packs: bool) -> None:
    answer = body.compressed(LONG, accepted)
    assert (answer.headers.get("content-encoding") == "gzip") is packs
    if packs:
        assert json.loads(gzip.decompress(answer.body)) == LONG.content
        assert answer.headers["vary"] == "accept-encoding"


def test_a_short_answer_is_left_as_it_is() -> None:
    short = Response(200, {"text": "x"})
    assert body.compressed(short, "gzip") is short


def test_a_packed_answer_leaves_as_base64(text: Served) -> None:
    many = json.dumps({"inputs": ["good"] * 8})
    for event in (rest_event, http_event):
        headers = {"Accept-Encoding": "gzip, deflate", "Content-Type": "application/json"}
        answer = text(event(many, headers=headers))
        assert answer["isBase64Encoded"] is True
        assert len(json.loads(gzip.decompress(base64.b64decode(answer["body"])))["predictions"]) == 8
