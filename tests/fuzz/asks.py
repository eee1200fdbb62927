"""Requests as strangers send them: right ones, right ones spoilt, and bytes."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.event_sources import PREDICT, Ask
from tests.fuzz.rules import CANARY

JSON = "application/json"
OCTETS = "application/octet-stream"
_TYPE = (("Content-Type", JSON),)
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "PROPFIND", "")
_NUMBERS = st.floats(-1e4, 1e4, width=32) | st.integers(-(10**4), 10**4) | st.none()
_SPOILERS = (
    "NaN", "-Infinity", "1e999", "-1e999", "1E400", "0x10", "01", ".5", "+1", "1_000", "9" * 400, "9" * 5000, "1e-400",
    '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', "\x00", "\x1f", "\ufeff", "\u2028", "//", "/**/", "'", "`", "}", "]",
    "{", "[", ",", ":", '"', "\\", "null", "true", "[[[[[[[[", '{"":', "e\u0301" * 8, "\u0301" * 300,
    "\U0001f469\u200d",
    '"inputs":', '"explain":true,', '"top_k":0,', '"top_k":1e0,', '"abstain_below":-0.0,', '"data":',
)  # fmt: skip
_ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["1", [], {}, [[]], 2**63, -1, 1.0, CANARY])
)
_TENSOR_LIES = {
    "shape": _ODD | st.lists(_ODD | st.integers(0, 9), max_size=3),
    "datatype": _ODD | st.sampled_from(["FP16", "UINT64", "INT8", "BOOL", "BYTES", "FP32", "fp32", "FP64", "", "BF16"]),
    "parameters": _ODD | (_ODD | st.integers(0, 99)).map(lambda size: {"binary_data_size": size}),
    "name": _ODD,
    "data": _ODD | st.lists(_ODD | st.lists(_ODD, max_size=2), max_size=5),
    CANARY: _ODD,
}
_OUTPUT_LIES = {"name": _ODD | st.sampled_from(["label", "novelty"]), "parameters": _ODD}
_LENGTH_LIES = ("", "-1", "1e3", "\u0663", "0", "1", "9" * 5000, "0" * 5000, " 7", "+7", "1_0", CANARY)


@dataclass(frozen=True)
class Model:
    """What one needs to know to ask: as `GET /model` tells it."""

    name: str
    version: str
    task: str
    columns: dict[str, str]  # name -> kind
    limits: dict[str, int]

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the Open Inference Protocol has this model."""
        path = f"/v2/models/{self.name}"
        return path, f"{path}/versions/{self.version}"

    @property
    def posts(self) -> tuple[str, ...]:
        """The paths that take a body."""
        return (PREDICT, *(f"{path}/infer" for path in self.paths))

    @property
    def reads(self) -> tuple[str, ...]:
        """The paths that take none."""
        fixed = ("/model", "/openapi.json", "/v2", "/v2/health/live", "/v2/health/ready")
        return (*fixed, *self.paths, *(f"{path}/ready" for path in self.paths))


def words(most: int = 200) -> SearchStrategy[str]:
    """Texts with and without a canary, within Unicode."""
    text = st.text(max_size=60) | st.text("ab c\u00e9\u0301\u0e01\u4e2d\U0001f600.'\"\\\n\t\x00", max_size=80)
    planted = st.tuples(text, text).map(lambda parts: f"{parts[0]} {CANARY} {parts[1]}"[:most])
    return text.map(lambda word: word[:most]) | planted


def inputs(model: Model) -> SearchStrategy[Any]:
    """One input that the model takes."""
    most = min(200, model.limits["max_characters"])
    if model.task == "text":
        return words(most)
    cells = {"number": _NUMBERS, "category": words(most) | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none()}
    return st.dictionaries(st.sampled_from(sorted(model.columns)), st.none(), min_size=1, max_size=12).flatmap(
        lambda row: st.fixed_dictionaries({name: cells[model.columns[name]] for name in row})
    )


@st.composite
def predictions(draw: Callable[..., Any], model: Model) -> Ask:
    """A prediction request that is right."""
    one = inputs(model)
    given = draw(one | st.lists(one, min_size=1, max_size=min(6, model.limits["max_inputs"])))
    body: dict[str, Any] = {"inputs": given}
    body |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "abstain_below": st.floats(0, 1) | st.sampled_from([0, 1]),
                "top_k": st.integers(1, 2**70) | st.just(2.0),
                "explain": st.booleans(),
            },
        )
    )
    rows = given if isinstance(given, list) else [given]
    parts = sum(1 if isinstance(row, str) else len(row) for row in rows)
    if parts > model.limits["max_explained"]:
        body.pop("explain", None)
    return Ask("POST", PREDICT, _TYPE, _written(draw, body), wanted=(200,))


@st.composite
def inferences(draw: Callable[..., Any], model: Model) -> Ask:
    """An Open Inference Protocol request that is right, of JSON or with tensors as bytes."""
    rows = draw(st.integers(1, min(5, model.limits["max_inputs"])))
    names = draw(st.lists(st.sampled_from(sorted(model.columns)), min_size=1, max_size=6, unique=True))
    as_bytes = draw(st.booleans())
    tensors, tail = [], b""
    for name in names:
        values, datatype = _tensor(draw, model.columns[name], rows)
        tensor: dict[str, Any] = {
            "name": name,
            "shape": draw(st.sampled_from([[rows], [rows, 1]])),
            "datatype": datatype,
        }
        if as_bytes:
            data = _packed(values, datatype)
            tensor["parameters"] = {"binary_data_size": len(data)}
            tail += data
        else:
            nested = draw(st.booleans())
            tensor["data"] = [[value] for value in values] if nested else values
        tensors.append(tensor)
    body: dict[str, Any] = {"inputs": tensors}
    body |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "id": st.text("abc 123", max_size=20),
                "parameters": st.just({"binary_data_output": True}) | st.just({}),
                "outputs": st.lists(
                    st.sampled_from(["probabilities", "novelty", "label", "abstained"]), unique=True
                ).map(lambda names: [{"name": name} for name in names]),
            },
        )
    )
    path = draw(st.sampled_from(model.posts[1:]))
    header = json.dumps(body).encode()
    if not as_bytes:
        return Ask("POST", path, _TYPE, header, wanted=(200,))
    headers = (("Inference-Header-Content-Length", str(len(header))), ("Content-Type", OCTETS))
    return Ask("POST", path, headers, header + tail, wanted=(200,))


@st.composite
def reads(draw: Callable[..., Any], model: Model) -> Ask:
    """A request without a body that is right, whatever headers and query come with it."""
    method, status = draw(st.sampled_from([("GET", 200)] * 6 + [("HEAD", 200), ("OPTIONS", 204)]))
    headers = draw(st.lists(st.tuples(_header_names(), _header_values()), max_size=4))
    return Ask(method, draw(st.sampled_from(model.reads)), tuple(headers), query=draw(words(40)), wanted=(status,))


@st.composite
def elsewhere(draw: Callable[..., Any], model: Model) -> Ask:
    """A path that is not there, or a method that it does not take."""
    if draw(st.booleans()):
        path = draw(st.sampled_from([*model.reads, *model.posts]))
        own = {"GET", "HEAD"} if path in model.reads else {"POST"}
        method = draw(st.sampled_from([name for name in _METHODS if name not in own]))
        return Ask(method, path, _TYPE, draw(st.binary(max_size=20)), wanted=(405,))
    near = st.sampled_from([*model.reads, *model.posts]).flatmap(
        lambda path: st.sampled_from([path + "/", path.upper() + "x", "/" + path, path[:-1], path + "?", path + "%00"])
    )
    path = draw(near | words(60).map(lambda word: f"/{word}/{CANARY}"))
    known = {*model.reads, *model.posts}
    wanted = (404,) if path not in known else ()
    return Ask(draw(st.sampled_from(["GET", "POST", "DELETE"])), path, _TYPE, b"{}", wanted=wanted)


@st.composite
def spoilt(draw: Callable[..., Any], model: Model) -> Ask:
    """A right request whose text was damaged: whatever comes of it."""
    ask = draw(predictions(model) | inferences(model))
    data = bytearray(ask.body)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["insert", "cut", "drop", "repeat", "byte", "case"]))
        end = min(len(data), place + draw(st.integers(1, 12)))
        if kind == "insert":
            data[place:place] = draw(st.sampled_from(_SPOILERS)).encode(errors="surrogatepass")
        elif kind == "cut":
            del data[place:]
        elif kind == "drop":
            del data[place:end]
        elif kind == "repeat":
            data[place:place] = data[place:end]
        elif kind == "byte":
            data[place : place + 1] = bytes([draw(st.integers(0, 255))])
        else:
            data[place:end] = bytes(data[place:end]).swapcase()
    return replace(ask, body=bytes(data), wanted=())


@st.composite
def tampered(draw: Callable[..., Any], model: Model) -> Ask:
    """A right inference request with one of its sizes, shapes, types or names replaced: whatever comes of it."""
    ask = draw(inferences(model))
    length = int(ask.header("inference-header-content-length") or len(ask.body))
    body, tail = json.loads(ask.body[:length]), bytearray(ask.body[length:])
    kind = draw(st.sampled_from(["tensor", "tensor", "outputs", "twice", "tail", "length"]))
    if kind == "tensor":
        key, values = draw(st.sampled_from(sorted(_TENSOR_LIES.items(), key=lambda pair: pair[0])))
        draw(st.sampled_from(body["inputs"]))[key] = draw(values)
    elif kind == "outputs":
        body["outputs"] = draw(_ODD | st.lists(_ODD | st.fixed_dictionaries(_OUTPUT_LIES), max_size=3))
    elif kind == "twice":
        body["inputs"].append(body["inputs"][0])
    elif kind == "tail" and tail:
        tail[draw(st.integers(0, len(tail) - 1))] ^= draw(st.integers(1, 255))
    header = json.dumps(body).encode()
    if kind != "length" and not tail:
        return replace(ask, body=header, wanted=())
    sent = draw(st.sampled_from(_LENGTH_LIES)) if kind == "length" else str(len(header))
    headers = (("Inference-Header-Content-Length", sent), ("Content-Type", OCTETS))
    return replace(ask, headers=headers, body=header + bytes(tail), wanted=())


def raw(model: Model) -> SearchStrategy[Ask]:
    """Bytes of any kind, to any path that takes some."""
    other = json.JSONEncoder(ensure_ascii=False).encode({"inputs": CANARY})
    body = (
        st.binary(max_size=300)
        | st.sampled_from([other.encode(name) for name in ("utf-16", "utf-32", "utf-16-le", "utf-8-sig", "utf-7")])
        | _json_values().map(lambda value: json.dumps(value).encode())
    )
    kinds = st.sampled_from([_TYPE, (), (("Content-Type", OCTETS),)])
    return st.builds(
        lambda path, headers, body: Ask("POST", path, headers, body), st.sampled_from(model.posts), kinds, body
    )


@st.composite
def limits(draw: Callable[..., Any], model: Model) -> Ask:
    """A request over one limit."""
    most = model.limits
    kind = draw(st.sampled_from(["deep", "long", "many", "large"]))
    ask = Ask("POST", PREDICT, _TYPE)
    good = draw(inputs(model))
    if kind == "deep":
        depth = draw(st.integers(most["max_depth"] + 1, most["max_depth"] + 4) | st.integers(0, 4).map(lambda n: 10**n))
        nested = "[" * depth + "]" * depth if draw(st.booleans()) else '{"a":' * depth + "1" + "}" * depth
        body = f'{{"inputs":{nested}}}'.encode()
        wanted = (400,) if depth >= most["max_depth"] else (422,)
        wanted = wanted if len(body) <= most["max_body_bytes"] else (413,)
        return replace(ask, body=body, wanted=wanted, only_http=True)  # Lambda reads the JSON of an event itself
    if kind == "many":
        body = json.dumps({"inputs": [good] * (most["max_inputs"] + draw(st.integers(1, 3)))}).encode()
        return replace(ask, body=body, wanted=(413,))
    if kind == "large":
        return replace(ask, body=b" " * (most["max_body_bytes"] + 1) + b"{}", wanted=(413,))
    word = CANARY + "x" * most["max_characters"]
    columns = [name for name, kind in model.columns.items() if kind != "number"]
    if not columns:
        return replace(ask, body=json.dumps({"inputs": {CANARY * 30: 1}}).encode(), wanted=(422,))
    given = word if model.task == "text" else {columns[0]: word}
    return replace(ask, body=json.dumps({"inputs": given}).encode(), wanted=(413,))


@st.composite
def compressed(draw: Callable[..., Any], model: Model) -> Ask:
    """Compressed bodies, right and wrong."""
    ask = draw(predictions(model))
    packed = gzip.compress(ask.body, mtime=0)
    kind = draw(
        st.sampled_from(["gzip", "members", "deflate", "cut", "lie", "bomb", "other", "twice", "tail", "empty"])
    )
    if kind == "bomb":
        zeros = draw(st.sampled_from([b" ", b"["])) * (model.limits["max_body_bytes"] + draw(st.integers(1, 10**6)))
        return _encoded(ask, gzip.compress(zeros, mtime=0), "gzip", (413,))
    half = len(ask.body) // 2
    made: dict[str, tuple[bytes, str, tuple[int, ...]]] = {
        "gzip": (packed, draw(st.sampled_from(["gzip", "GZIP", "x-gzip", " gzip "])), (200,)),
        "members": (gzip.compress(ask.body[:half], mtime=0) + gzip.compress(ask.body[half:], mtime=0), "gzip", (200,)),
        "deflate": (zlib.compress(ask.body), "deflate", (200,)),
        "cut": (packed[: draw(st.integers(1, len(packed) - 1))], "gzip", (400,)),
        "lie": (ask.body, draw(st.sampled_from(["gzip", "deflate"])), (400,)),
        "other": (packed, draw(st.sampled_from(["br", "zstd", "gzip, gzip", CANARY, "identity, gzip"])), (415,)),
        "twice": (gzip.compress(packed, mtime=0), "gzip", (400,)),
        "tail": (packed + draw(st.binary(min_size=1, max_size=8)), "gzip", ()),
        "empty": (gzip.compress(b"", mtime=0), "gzip", (400,)),
    }
    return _encoded(ask, *made[kind])


@st.composite
def headed(draw: Callable[..., Any], model: Model) -> Ask:
    """Right bodies under odd header fields."""
    ask = draw(predictions(model))
    kinds: list[tuple[str, tuple[int, ...]]] = [
        ("application/json", (200,)),
        ("application/json; charset=utf-8", (200,)),
        ('Application/JSON;CHARSET="UTF-8"', (200,)),
        ("application/json;", (200,)),
        (f"application/json; x={CANARY}", (200,)),
        ("application/json; charset=utf-16", (415,)),
        ("text/plain", (415,)),
        ("application/jsonx", (415,)),
        ("application/x-www-form-urlencoded", (415,)),
        (f"multipart/form-data; boundary={CANARY}", (415,)),
        (CANARY, (415,)),
    ]
    value, wanted = draw(st.sampled_from(kinds))
    name = draw(st.sampled_from(["content-type", "Content-Type", "CONTENT-TYPE", "cOnTeNt-TyPe"]))
    more = draw(st.lists(st.tuples(_header_names(), _header_values()), max_size=4))
    return replace(ask, headers=(*more, (name, value)), wanted=wanted)


def _written(draw: Callable[..., Any], value: object) -> bytes:
    """JSON in one of the ways that there are to write it."""
    style = draw(st.sampled_from([{}, {"ensure_ascii": False}, {"indent": 1}, {"separators": (",", ":")}]))
    return json.dumps(value, **style).encode()


def _tensor(draw: Callable[..., Any], kind: str, rows: int) -> tuple[list[Any], str]:
    def many(values: SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=rows, max_size=rows))  # type: ignore[no-any-return]

    if kind == "number":
        datatype = draw(st.sampled_from(["FP32", "FP64", "INT64", "INT32", "UINT8"]))
        values = st.integers(0, 100) if "INT" in datatype else st.floats(-1e4, 1e4, width=32)
        return many(values), datatype
    if kind == "category" and draw(st.booleans()):
        return many(st.integers(0, 100)), "INT64"
    return many(words(100)), "BYTES"


def _packed(values: list[Any], datatype: str) -> bytes:
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(word.encode())) + word.encode() for word in values)
    code = {"FP32": "f", "FP64": "d", "INT64": "q", "INT32": "i", "UINT8": "B"}[datatype]
    return struct.pack(f"<{len(values)}{code}", *values)


def _encoded(ask: Ask, body: bytes, encoding: str, wanted: tuple[int, ...]) -> Ask:
    return replace(ask, body=body, headers=(*ask.headers, ("Content-Encoding", encoding)), wanted=wanted)


def _header_names() -> SearchStrategy[str]:
    return st.sampled_from(
        [
            "X-Api-Key",
            "x-amzn-trace-id",
            "Accept",
            "Accept-Language",
            "Origin",
            "X-Forwarded-For",
            "Cookie",
            f"X-{CANARY}",
        ]
    )


def _header_values() -> SearchStrategy[str]:
    return words(60) | st.sampled_from([f"{CANARY}=1", "*/*", "null", f"https://{CANARY}.example"])


def _json_values() -> SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | words(60)
    keys = words(30) | st.sampled_from(["inputs", "outputs", "id", "parameters", "top_k", "explain", "abstain_below"])
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))
