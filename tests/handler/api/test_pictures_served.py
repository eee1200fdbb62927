"""A picture is answered alike however it comes: as a body, in JSON, as a tensor, through each event source."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

from handler.bundle.contract import Limits
from handler.http.events import Request
from handler.modalities import pictures
from handler.model.predictor import Predictor
from tests import bundles
from tests.handler.conftest import Served, rest_event, serve
from tests.handler.events import alb_event, content_of, http_event
from tests.handler.modalities.bad_pictures import file_of, gradient

RED = Image.new("RGB", (40, 30), (200, 30, 30))
Event = dict[str, Any]


def as_body(data: bytes, media_type: str = "image/jpeg", **query: str) -> dict[str, Any]:
    """The parts of a REST event that a picture's bytes change."""
    return {
        "body": base64.b64encode(data).decode(),
        "isBase64Encoded": True,
        "headers": {"Content-Type": media_type},
        "queryStringParameters": query or None,
    }


def sources(data: bytes, media_type: str = "image/jpeg", **query: str) -> dict[str, Event]:
    """One picture as the event of each source."""
    parts = as_body(data, media_type, **query)
    lists = {
        "headers": None,
        "multiValueHeaders": {"content-type": [media_type]},
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
        "queryStringParameters": None,
    }
    url = {"http": {"method": "POST"}, "domainName": "abc.lambda-url.eu-central-1.on.aws", "stage": "$default"}
    single = {"queryStringParameters": query}
    return {
        "rest": rest_event(None) | parts,
        "http 1.0": rest_event(None, version="1.0") | parts,
        "http 2.0": http_event(None, rawQueryString=urlencode(query)) | parts,
        "url": http_event(None, rawQueryString=urlencode(query), requestContext=url) | parts,
        "alb": alb_event("") | parts | single,
        "alb lists": alb_event("", lists=True) | parts | lists,
    }


def in_json(data: bytes) -> str:
    return base64.b64encode(data).decode()


def label(content: dict[str, Any]) -> str:
    found: str = content["predictions"][0]["label"]
    return found


def test_a_jpeg_of_two_megabytes_gets_the_same_answer_from_every_event_source(image: Served) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1500, 2300, 3), np.uint8)
    noise[:, :, 0] |= 128
    data = file_of(noise, "JPEG", quality=85)
    assert 2_000_000 < len(data) < 3_000_000
    answers = [image(event) for event in sources(data).values()]
    bare = image({"inputs": in_json(data)})
    assert [content_of(answer) for answer in answers] == [bare] * len(answers)
    assert label(bare) == "red"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_every_format_is_taken_under_its_own_content_type_and_any_other_of_a_picture(kind: str, image: Served) -> None:
    data = file_of(RED, kind)
    for media_type in (*pictures.MEDIA_TYPES[kind], "IMAGE/JPEG; q=1"):
        answer = image(rest_event(None) | as_body(data, media_type))
        assert (answer["statusCode"], label(json.loads(answer["body"]))) == (200, "red")


@pytest.mark.parametrize("media_type", ["application/octet-stream", "text/plain", "multipart/form-data; boundary=x"])
def test_bytes_of_another_content_type_are_told_which_are_taken(media_type: str, image: Served) -> None:
    answer = image(rest_event(None) | as_body(file_of(RED, "PNG"), media_type))
    assert answer["statusCode"] == 415
    assert "application/json or image/*" in json.loads(answer["body"])["detail"]


def test_a_model_of_texts_takes_no_picture(text: Served) -> None:
    assert text(rest_event(None) | as_body(file_of(RED, "PNG"), "image/png"))["statusCode"] == 415


@pytest.mark.parametrize("source", ["rest", "http 1.0", "http 2.0", "url", "alb", "alb lists"])
def test_the_options_of_a_body_that_is_a_picture_stand_in_the_query(source: str, image: Served) -> None:
    event = sources(file_of(RED, "PNG"), explain="true", top_k="1", abstain_below="0.9999")[source]
    [found] = content_of(image(event))["predictions"]
    assert (len(found["contributions"]), list(found["scores"]), found["abstained"]) == (49, ["red"], True)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"explain": "yes"}, "/explain"),
        ({"top_k": "0"}, "/top_k"),
        ({"abstain_below": "NaN"}, "/abstain_below"),
        ({"explian": "true"}, ""),
        ({"inputs": '"x"'}, ""),
    ],
)
def test_an_option_that_is_none_is_refused(query: dict[str, str], pointer: str, image: Served) -> None:
    answer = image(rest_event(None) | as_body(file_of(RED, "PNG"), "image/png", **query))
    assert (answer["statusCode"], json.loads(answer["body"])["pointer"]) == (422, pointer)


def test_base64_may_be_a_data_url_and_broken_into_lines(image: Served) -> None:
    data = file_of(RED, "PNG")
    plain = in_json(data)
    lines = base64.encodebytes(data).decode()
    forms = [plain, lines, lines.replace("\n", "\r\n"), f"data:image/png;base64,{plain}", f"data:;base64,{plain}"]
    forms.append(f"data:image/png;name=a.png;base64,{plain}")
    status, content = image.predict(forms)
    assert status == 200
    assert content["predictions"] == content["predictions"][:1] * len(forms)


@pytest.mark.parametrize(
    "text", ["", "abcde", "not base64!", "https://example.org/cat.jpg", "c:\\cat.jpg", "\u00e4" * 8]
)
def test_a_string_that_is_no_picture_says_so(text: str, image: Served) -> None:
    status, problem = image.predict([bundles.picture(), text])
    assert (status, problem["pointer"]) == (422, "/inputs/1")
    assert text == "" or text not in problem["detail"].split()


@pytest.mark.parametrize("value", [7, None, True, {"b64": "x"}, ["x"]])
def test_what_is_no_string_is_refused(value: object, image: Served) -> None:
    status, problem = image.predict([value])
    assert (status, problem["type"]) == (422, "urn:limbeck:problem:wrong-type")


def test_bytes_that_were_read_as_text_on_their_way_are_told_from_broken_ones(image: Served) -> None:
    text = file_of(RED, "JPEG").decode("utf-8", "replace")  # a REST API without binary media types
    answer = image(rest_event(text, headers={"Content-Type": "image/jpeg"}))
    assert answer["statusCode"] == 415
    assert "binary" in json.loads(answer["body"])["detail"]


def test_pictures_of_unlike_sizes_are_answered_in_their_order(image: Served) -> None:
    sizes = [(5, 9), (5, 9), (9, 5), (1, 1), (5, 9), (300, 200)]
    colours = [(250, 0, 0), (0, 0, 250)] * 3
    given = [bundles.picture(colour, *size) for colour, size in zip(colours, sizes, strict=True)]
    status, content = image.predict(given)
    assert status == 200
    assert [it["label"] for it in content["predictions"]] == ["red", "blue"] * 3


def test_the_pictures_of_a_request_share_the_limit_on_pixels(sealed: Callable[[str], Any]) -> None:
    predictor = small(sealed, 1000)
    one = bundles.picture(width=20, height=25)
    assert serve(predictor).predict([one, one])[0] == 200
    status, problem = serve(predictor).predict([one, one, one])
    assert (status, problem["pointer"]) == (413, "/inputs/2")
    tensor = {"name": "pixels", "shape": [3], "datatype": "BYTES", "data": [one] * 3}
    status, problem = infer(serve(predictor), [tensor])
    assert (status, problem["pointer"]) == (413, "/inputs/0/data/2")


def test_an_explanation_is_a_grid_of_seven_by_seven_and_finds_what_matters(image: Served) -> None:
    pixels = np.full((70, 140, 3), (60, 60, 200), np.uint8)
    pixels[0:10, 120:140] = (255, 0, 0)
    status, content = image.post(json.dumps({"inputs": in_json(file_of(pixels, "PNG")), "explain": True}))
    [found] = content["predictions"]
    places = [(part["row"], part["column"]) for part in found["contributions"]]
    assert (status, places) == (200, [(row, column) for row in range(7) for column in range(7)])
    shares = np.array([part["contribution"] for part in found["contributions"]]).reshape(7, 7)
    assert np.unravel_index(shares.argmin(), (7, 7)) == (0, 6)  # blue without the red corner is more blue


def test_an_answer_is_the_same_with_an_explanation_and_without(image: Served) -> None:
    data = in_json(file_of(gradient(123, 77), "PNG"))
    with_it, without = (
        image.post(json.dumps({"inputs": data, "explain": wanted}))[1]["predictions"][0] for wanted in (True, False)
    )
    with_it.pop("contributions")
    assert with_it == without


def test_explaining_many_pictures_keeps_the_limit(image: Served) -> None:
    status, problem = image.post(json.dumps({"inputs": [bundles.picture()] * 8, "explain": True}))
    assert status == 200  # 392 copies of at most 512
    most = Limits(16, 2000, 6_000_000, 32, 512, max_pixels=25_000_000)
    assert most.max_explained // 49 == 10 and problem["predictions"][7]["contributions"]


def infer(served: Served, tensors: list[dict[str, Any]], **more: object) -> tuple[int, dict[str, Any]]:
    answer = served(rest_event(json.dumps({"inputs": tensors, **more}), path="/v2/models/tiny-image/infer"))
    return answer["statusCode"], json.loads(answer["body"])


def infer_bytes(served: Served, tensor: dict[str, Any], tail: bytes) -> tuple[int, dict[str, Any]]:
    tensor = tensor | {"parameters": {"binary_data_size": len(tail)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    raw = base64.b64encode(head + tail).decode()
    path = "/v2/models/tiny-image/infer"
    answer = served(rest_event(raw, path=path, headers=headers, isBase64Encoded=True))
    return answer["statusCode"], json.loads(answer["body"])


def probabilities(content: dict[str, Any]) -> list[float]:
    return next(tensor["data"] for tensor in content["outputs"] if tensor["name"] == "probabilities")


def test_a_tensor_of_files_or_of_pixels_is_answered_as_the_picture_is(image: Served) -> None:
    pixels = gradient(33, 21)
    data = file_of(pixels, "PNG")
    wanted = list(image.predict(in_json(data))[1]["predictions"][0]["scores"].values())
    files = {"name": "pixels", "datatype": "BYTES", "shape": [1]}
    raw = {"name": "pixels", "datatype": "UINT8", "shape": [1, 21, 33, 3]}
    found = [
        infer(image, [files | {"data": [in_json(data)]}]),
        infer(image, [files | {"shape": [1, 1], "data": [[in_json(data)]]}]),
        infer_bytes(image, files, struct.pack("<I", len(data)) + data),
        infer_bytes(image, files | {"shape": [1, 1]}, struct.pack("<I", len(data)) + data),
        infer(image, [raw | {"data": pixels.ravel().tolist()}]),
        infer(image, [raw | {"data": pixels[None].tolist()}]),
        infer_bytes(image, raw, pixels.tobytes()),
    ]
    assert [status for status, _ in found] == [200] * len(found)
    for _, content in found:
        assert probabilities(content) == pytest.approx(wanted)


def test_a_tensor_of_two_pictures_has_two_rows(image: Served) -> None:
    reds = np.stack([np.full((5, 6, 3), (250, 0, 0), np.uint8), np.full((5, 6, 3), (0, 0, 250), np.uint8)])
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": [2, 5, 6, 3]}
    for _, content in (
        infer_bytes(image, tensor, reds.tobytes()),
        infer(image, [tensor | {"data": reds.ravel().tolist()}]),
    ):
        assert content["outputs"][2]["data"] == ["red", "blue"]


RAW = {"name": "pixels", "datatype": "UINT8", "shape": [1, 1, 2, 3], "data": [1, 2, 3, 4, 5, 6]}


@pytest.mark.parametrize(
    "lie",
    [
        {"shape": [1]},
        {"shape": [1, 2, 3]},
        {"shape": [1, 1, 2, 4]},
        {"shape": [1, 0, 2, 3]},
        {"shape": [1, 2, 2, 3]},
        {"shape": [1, 10**9, 10**9, 3]},
        {"data": [1, 2, 3, 4, 5]},
        {"data": [1, 2, 3, 4, 5, 256]},
        {"data": [1, 2, 3, 4, 5, -1]},
        {"data": [1, 2, 3, 4, 5, 1.5]},
        {"data": [1, 2, 3, 4, 5, None]},
        {"data": [1, 2, 3, 4, 5, 10**30]},
        {"data": [True, False, True, True, True, True]},
        {"data": [[1, 2], [3]]},
        {"data": ["1"] * 6},
        {"data": []},
        {"data": None},
        {"datatype": "FP32"},
        {"datatype": "INT8"},
        {"datatype": "BYTES"},
    ],
)
def test_pixels_that_lie_are_refused(lie: dict[str, Any], image: Served) -> None:
    status, problem = infer(image, [RAW | lie])
    assert (status, problem["pointer"][:9]) == (422, "/inputs/0")


def test_pixels_as_bytes_are_as_many_as_their_shape_says(image: Served) -> None:
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": [1, 2, 2, 3]}
    assert infer_bytes(image, tensor, bytes(12))[0] == 200
    assert infer_bytes(image, tensor, bytes(11))[0] == 422
    huge = tensor | {"shape": [1, 2**31, 2**31, 3]}
    assert infer_bytes(image, huge, bytes(12))[0] == 422


def test_the_metadata_say_that_a_picture_is_bytes(image: Served) -> None:
    answer = image(rest_event(None, httpMethod="GET", path="/v2/models/tiny-image"))
    assert json.loads(answer["body"])["inputs"] == [{"name": "pixels", "datatype": "BYTES", "shape": [-1]}]


def test_golden_pictures_are_replayed(sealed: Callable[[str], Any], image_predictor: Predictor) -> None:
    from handler.api import routes

    replayed = routes.golden(image_predictor, sealed("image")).answer(Request("POST", ""))
    assert (replayed.content["wrong"], replayed.status) == (0, 200)


def small(sealed: Callable[[str], Any], max_pixels: int) -> Predictor:
    serving = bundles.image_serving(limits=Limits(8, 2000, 6_000_000, 32, 512, max_pixels=max_pixels))
    return Predictor(sealed("image") / "model.onnx", serving, "tiny-image", "staged")
