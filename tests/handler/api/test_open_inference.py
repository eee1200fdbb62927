"""The Open Inference Protocol, as its clients send it: in JSON and in bytes."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.api import open_inference
from handler.errors import RequestError
from handler.model.predictor import Predictor
from tests import bundles
from tests.handler.conftest import Served, rest_event, serve
from tests.handler.events import content_of

Tensor = dict[str, Any]
SECRET = "zqsecret"


def texts(*data: object, **changes: object) -> Tensor:
    return {"name": "text", "shape": [len(data)], "datatype": "BYTES", "data": list(data)} | changes


def ages(*data: object, **changes: object) -> Tensor:
    return {"name": "age", "shape": [len(data)], "datatype": "FP32", "data": list(data)} | changes


def colours(*data: object, **changes: object) -> Tensor:
    return {"name": "colour", "shape": [len(data)], "datatype": "BYTES", "data": list(data)} | changes


def infer(served: Served, *inputs: object, **more: object) -> tuple[int, dict[str, Any]]:
    return served.post(json.dumps({"inputs": list(inputs), **more}), path=f"/v2/models/{_name(served)}/infer")


def _name(served: Served) -> str:
    answer = served(rest_event(None, path="/model", httpMethod="GET"))
    served.log.truncate(0)
    return str(content_of(answer)["name"])


def packed(*inputs: tuple[Tensor, bytes], **more: object) -> tuple[str, dict[str, str]]:
    """A body in base64 and the header for it: tensors whose values stand after the JSON."""
    tensors = [
        {key: value for key, value in tensor.items() if key != "data"} | {"parameters": {"binary_data_size": len(data)}}
        for tensor, data in inputs
    ]
    head = json.dumps({"inputs": tensors, **more}).encode()
    body = base64.b64encode(head + b"".join(data for _, data in inputs)).decode()
    return body, {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}


def send(served: Served, body: str, headers: dict[str, str]) -> dict[str, Any]:
    path = f"/v2/models/{_name(served)}/infer"
    return served(rest_event(body, path=path, headers=headers, isBase64Encoded=True))


def strings(*words: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(word)) + word for word in words)


def outputs(content: dict[str, Any]) -> dict[str, Any]:
    return {output["name"]: output for output in content["outputs"]}


def test_the_metadata_names_every_tensor(tabular: Served) -> None:
    told = content_of(tabular(rest_event(None, path="/v2/models/tiny-tabular", httpMethod="GET")))
    assert told["inputs"] == [
        {"name": "age", "datatype": "FP32", "shape": [-1]},
        {"name": "colour", "datatype": "BYTES", "shape": [-1]},
    ]
    assert told["outputs"][0] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}
    assert told["platform"] == "onnxruntime_onnx" and len(told["versions"]) == 1


def test_texts_in_json_get_the_answers_of_predict(text: Served) -> None:
    status, content = infer(text, texts("a good film", "bad"), id="request-1")
    assert status == 200
    assert (content["model_name"], content["id"]) == ("tiny-text", "request-1")
    found = outputs(content)
    wanted = text.predict(["a good film", "bad"])[1]["predictions"]
    assert found["label"]["data"] == [prediction["label"] for prediction in wanted]
    assert found["probabilities"]["shape"] == [2, 2]
    assert np.allclose(found["probabilities"]["data"], [p for one in wanted for p in one["scores"].values()])
    assert found["abstained"] == {"name": "abstained", "datatype": "BOOL", "shape": [2], "data": [False, False]}


def test_columns_in_json_get_the_answers_of_predict(tabular: Served) -> None:
    status, content = infer(tabular, ages(70, 20.5, None), colours("red", None, "blue"))
    assert status == 200
    rows = [{"age": 70, "colour": "red"}, {"age": 20.5}, {"colour": "blue"}]
    wanted = tabular.predict(rows)[1]["predictions"]
    assert outputs(content)["label"]["data"] == [prediction["label"] for prediction in wanted]


def test_a_column_may_be_left_out_and_shapes_may_be_of_one_or_two(tabular: Served) -> None:
    alone = infer(tabular, ages(70, 20))[1]["outputs"]
    for inputs in (
        [ages(70, 20, shape=[2, 1])],
        [ages([70], [20], shape=[2, 1])],
        [ages(70.0, 20, shape=[2.0], datatype="INT64")],
        [ages(70, 20, datatype="INT64")],
        [ages(70, 20), colours(None, None)],
    ):
        status, content = infer(tabular, *inputs)
        assert (status, content["outputs"]) == (200, alone)


def test_the_outputs_asked_for_come_and_no_others(text: Served) -> None:
    _, content = infer(text, texts("good"), outputs=[{"name": "novelty"}, {"name": "label"}])
    assert [output["name"] for output in content["outputs"]] == ["novelty", "label"]


def test_tensors_of_bytes_come_and_go(tabular: Served) -> None:
    numbers = np.array([70, np.nan], "<f4").tobytes()
    wanted = [{"name": "label"}, {"name": "probabilities"}, {"name": "abstained"}]
    more = {"outputs": wanted, "parameters": {"binary_data_output": True}}
    body, headers = packed((ages(70, 0), numbers), (colours("red", "bleu"), strings(b"red", b"bleu")), **more)
    answer = send(tabular, body, headers)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "application/octet-stream")
    raw = base64.b64decode(answer["body"])
    length = int(answer["headers"]["inference-header-content-length"])
    label, probabilities, abstained = json.loads(raw[:length])["outputs"]
    tail = raw[length:]
    sizes = [output["parameters"]["binary_data_size"] for output in (label, probabilities, abstained)]
    assert sum(sizes) == len(tail) and sizes[1:] == [16, 2]
    expected = tabular.predict([{"age": 70, "colour": "red"}, {"colour": "bleu"}])[1]["predictions"]
    assert tail[: sizes[0]] == strings(*(prediction["label"].encode() for prediction in expected))
    found = np.frombuffer(tail[sizes[0] : sizes[0] + 16], "<f4").reshape(2, 2)
    assert np.allclose(found, [list(prediction["scores"].values()) for prediction in expected])


def test_one_output_may_be_bytes_and_the_other_json(text: Served) -> None:
    asked = [{"name": "label", "parameters": {"binary_data": True}}, {"name": "novelty"}]
    body, headers = packed((texts("good"), strings(b"good")), outputs=asked)
    answer = send(text, body, headers)
    length = int(answer["headers"]["inference-header-content-length"])
    label, novelty = json.loads(base64.b64decode(answer["body"])[:length])["outputs"]
    assert "data" not in label and "parameters" not in novelty


@pytest.mark.parametrize("datatype", ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP64"])
def test_any_kind_of_number_may_fill_a_number_column(tabular: Served, datatype: str) -> None:
    kind = datatype.replace("UINT", "<u").replace("INT", "<i").replace("FP", "<f")
    kind = kind[:2] + str(int(kind[2:]) // 8)
    tensor = ages(70, 20, datatype=datatype)
    body, headers = packed((tensor, np.array([70, 20], kind).tobytes()))
    assert content_of(send(tabular, body, headers))["outputs"] == infer(tabular, ages(70, 20))[1]["outputs"]


@pytest.mark.parametrize(
    ("inputs", "kind", "pointer"),
    [
        ([], "no-inputs", "/inputs"),
        ([3], "wrong-type", "/inputs/0"),
        ([ages(1, name="aeg")], "unknown-tensor", "/inputs/0/name"),
        ([ages(1, name=3)], "unknown-tensor", "/inputs/0/name"),
        ([ages(1), ages(1)], "repeated-tensor", "/inputs/1/name"),
        ([ages(1, shape=[2])], "wrong-shape", "/inputs/0/data"),
        ([ages(1, shape=[0])], "wrong-shape", "/inputs/0/shape"),
        ([ages(1, shape=[1, 2])], "wrong-shape", "/inputs/0/shape"),
        ([ages(1, shape=[True])], "wrong-shape", "/inputs/0/shape"),
        ([ages(1, shape="1")], "wrong-shape", "/inputs/0/shape"),
        ([ages(1, shape=[-1])], "wrong-shape", "/inputs/0/shape"),
        ([ages(1), colours("a", "b")], "wrong-shape", "/inputs/1/shape"),
        ([ages(1, datatype="FP31")], "wrong-type", "/inputs/0/datatype"),
        ([ages(1, datatype=None)], "wrong-type", "/inputs/0/datatype"),
        ([ages(1, data=1)], "wrong-type", "/inputs/0/data"),
        ([ages("1")], "wrong-type", "/inputs/0/data/0"),
        ([ages(True)], "wrong-type", "/inputs/0/data/0"),
        ([ages(1.5, datatype="INT32")], "wrong-type", "/inputs/0/data/0"),
        ([ages("1", datatype="BYTES")], "wrong-type", "/inputs/0/data/0"),
        ([ages(1, 1e300)], "out-of-range", "/inputs/0/data/1"),
        ([ages(1, extra=2)], "unknown-key", "/inputs/0"),
        ([ages(1, parameters=3)], "wrong-type", "/inputs/0/parameters"),
        ([ages(1, parameters={"binary_data_size": 4})], "wrong-shape", "/inputs/0/parameters/binary_data_size"),
    ],
)
def test_a_tensor_that_does_not_fit_gets_422(tabular: Served, inputs: list[Any], kind: str, pointer: str) -> None:
    status, content = infer(tabular, *inputs)
    assert (status, content["type"], content["pointer"]) == (422, f"urn:limbeck:problem:{kind}", pointer)
    assert content["error"] == content["detail"]


@pytest.mark.parametrize(
    ("more", "kind", "pointer"),
    [
        ({"id": 3}, "wrong-type", "/id"),
        ({"id": "x" * 257}, "wrong-type", "/id"),
        ({"id": "a\nb"}, "wrong-type", "/id"),
        ({"model": "x"}, "unknown-key", ""),
        ({"outputs": 3}, "wrong-type", "/outputs"),
        ({"outputs": [{"name": "logits"}]}, "unknown-tensor", "/outputs/0/name"),
        ({"outputs": [{"name": "label"}, {"name": "label"}]}, "repeated-tensor", "/outputs/1/name"),
        (
            {"outputs": [{"name": "label", "parameters": {"classification": 2}}]},
            "unknown-key",
            "/outputs/0/parameters/classification",
        ),
        ({"parameters": []}, "wrong-type", "/parameters"),
    ],
)
def test_a_request_that_does_not_fit_gets_422(text: Served, more: dict[str, Any], kind: str, pointer: str) -> None:
    status, content = infer(text, texts("good"), **more)
    assert (status, content["type"], content["pointer"]) == (422, f"urn:limbeck:problem:{kind}", pointer)


def test_null_stands_for_what_is_left_out(text: Served) -> None:
    assert infer(text, texts("good", parameters=None), id=None, outputs=None, parameters=None)[0] == 200


def test_a_null_is_no_text(text: Served) -> None:
    assert infer(text, texts(None))[1]["pointer"] == "/inputs/0/data/0"


def test_the_limits_are_those_of_predict(text: Served) -> None:
    assert infer(text, texts(*["x"] * 8))[0] == 200
    status, content = infer(text, texts(*["x"] * 9))
    assert (status, content["type"]) == (413, "urn:limbeck:problem:too-many-inputs")
    assert infer(text, texts("x" * 2001))[0] == 413
    assert infer(text, texts("x", shape=[10**30]))[0] == 413


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "wrong-shape"),
        (b"\x05\0\0\0good", "wrong-shape"),
        (strings(b"good", b"bad"), "wrong-shape"),
        (strings(b"good") + b"x", "wrong-shape"),
        (b"\xff\xff\xff\xffgood", "wrong-shape"),
        (strings(b"\xff"), "not-unicode"),
        (strings("\ud800".encode("utf-8", "surrogatepass")), "not-unicode"),
    ],
)
def test_bytes_that_are_no_strings_get_422(text: Served, data: bytes, kind: str) -> None:
    answer = send(text, *packed((texts("x"), data)))
    assert content_of(answer)["type"] == f"urn:limbeck:problem:{kind}"


def test_bytes_that_no_tensor_claims_get_422(text: Served) -> None:
    body, headers = packed((texts("good"), strings(b"good")))
    longer = base64.b64encode(base64.b64decode(body) + b"rest").decode()
    assert content_of(send(text, longer, headers))["status"] == 422


@pytest.mark.parametrize("length", ["", "-1", "x", "1e3", "9999999", "٣", "0" * 5000])
def test_a_header_length_that_is_none_gets_400(text: Served, length: str) -> None:
    body, headers = packed((texts("good"), strings(b"good")))
    assert send(text, body, headers | {"Inference-Header-Content-Length": length})["statusCode"] == 400


def test_nothing_sent_is_logged_or_sent_back(text: Served, tabular: Served) -> None:
    for served, inputs in (
        (text, [texts(SECRET)]),
        (text, [texts(SECRET, 3)]),
        (text, [texts("x", name=SECRET)]),
        (text, [texts("x", datatype=SECRET)]),
        (text, [{SECRET: 1}]),
        (tabular, [ages(SECRET)]),
    ):
        _, content = infer(served, *inputs)
        assert SECRET not in json.dumps(content)
        assert SECRET not in served.log.getvalue()


@given(
    head=st.binary(max_size=60) | st.just(b'{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["x"]}]}'),
    tail=st.binary(max_size=20),
    length=st.none() | st.integers(-5, 100).map(str) | st.text(max_size=3),
)
def test_any_bytes_are_read_or_refused(head: bytes, tail: bytes, length: str | None) -> None:
    try:
        open_inference.read(head + tail, length, bundles.text_serving())
    except RequestError as error:
        assert error.status in (400, 413, 422)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["age", "FP32", "BYTES", "label"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "shape", "datatype", "data", "parameters", "binary_data_size"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@given(inputs=st.lists(json_values, max_size=3), more=st.dictionaries(st.sampled_from(["id", "outputs"]), json_values))
def test_any_tensors_are_read_or_refused(inputs: list[Any], more: dict[str, Any]) -> None:
    body = json.dumps({"inputs": inputs, **more}).encode()
    try:
        open_inference.read(body, None, bundles.tabular_serving())
    except RequestError as error:
        assert error.status in (400, 413, 422)


def test_half_precision_is_read(tabular_predictor: Predictor) -> None:
    head = b'{"inputs":[{"name":"age","shape":[1],"datatype":"FP16","parameters":{"binary_data_size":2}}]}'
    asked = open_inference.read(head + np.array([70], "<f2").tobytes(), str(len(head)), tabular_predictor.serving)
    assert asked.records == [{"age": 70.0}]


def test_expected_costs_are_an_output_of_a_model_that_has_costs(tmp_path: Path, text: Served) -> None:
    bundles.priced_bundle(tmp_path)
    served = serve(Predictor.load(tmp_path))
    status, content = infer(served, texts("bad", "good"))
    outputs = {it["name"]: it for it in content["outputs"]}
    assert status == 200
    assert outputs["expected_costs"]["shape"] == [2, 3]
    assert outputs["expected_costs"]["data"][2::3] == [0.5, 0.5]
    assert outputs["expected_costs"]["data"][1] == pytest.approx(outputs["probabilities"]["data"][0], abs=1e-6)
    metadata = open_inference.metadata(Predictor.load(tmp_path))
    assert {"name": "expected_costs", "datatype": "FP32", "shape": [-1, 3]} in metadata["outputs"]
    status, content = infer(text, texts("bad"), outputs=[{"name": "expected_costs"}])
    assert (status, content["type"]) == (422, "urn:limbeck:problem:unknown-tensor")
