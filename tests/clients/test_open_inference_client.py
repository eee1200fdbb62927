"""NVIDIA's client for the Open Inference Protocol, which nobody here wrote, against the function behind HTTPS."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import gevent.ssl
import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from handler.model.predictor import Predictor
from tests.clients.conftest import Served
from tests.handler.modalities.bad_pictures import file_of

pytestmark = pytest.mark.container

TEXTS = ["What a good film!", "Ça ne marche pas 😞", "bad"]


def headers() -> dict[str, str]:
    return {"accept": "*/*"}


@pytest.fixture(scope="module")
def connect() -> Iterator[Callable[[Served], InferenceServerClient]]:
    with ExitStack() as stack:

        def connect(served: Served) -> InferenceServerClient:
            trusted = {"ca_certs": str(served.endpoint.certificate.file)}
            address = served.endpoint.url.removeprefix("https://")
            client = InferenceServerClient(
                address, ssl=True, ssl_options=trusted, ssl_context_factory=gevent.ssl.create_default_context
            )
            return stack.enter_context(client)

        yield connect


@pytest.fixture(params=["binary", "json"])
def as_bytes(request: pytest.FixtureRequest) -> bool:
    return request.param == "binary"


def texts(values: list[str], as_bytes: bool) -> InferInput:
    tensor = InferInput("text", [len(values)], "BYTES")
    tensor.set_data_from_numpy(np.array(values, dtype=object), binary_data=as_bytes)
    return tensor


def test_it_finds_the_server_live_and_ready_and_the_model_ready(
    text: Served, connect: Callable[[Served], InferenceServerClient]
) -> None:
    client = connect(text)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(text.name)
    assert client.is_model_ready(text.name, text.version)
    assert not client.is_model_ready("another")


def test_it_reads_the_metadata_of_server_and_model(
    text: Served, connect: Callable[[Served], InferenceServerClient]
) -> None:
    client = connect(text)
    server = client.get_server_metadata()
    assert server["name"] == "limbeck"
    assert "binary_tensor_data" in server["extensions"]
    model = client.get_model_metadata(text.name, text.version)
    assert (model["name"], model["versions"]) == (text.name, [text.version])
    assert [(tensor["name"], tensor["datatype"]) for tensor in model["inputs"]] == [("text", "BYTES")]
    assert {tensor["name"] for tensor in model["outputs"]} == {"probabilities", "novelty", "label", "abstained"}


def test_it_infers_from_texts(text: Served, connect: Callable[[Served], InferenceServerClient], as_bytes: bool) -> None:
    wanted = [
        InferRequestedOutput(name, binary_data=as_bytes) for name in ("probabilities", "novelty", "label", "abstained")
    ]
    result = connect(text).infer(text.name, [texts(TEXTS, as_bytes)], outputs=wanted, headers=headers())
    probabilities = result.as_numpy("probabilities")
    assert probabilities.shape == (3, 3)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    labels = [label.decode() if isinstance(label, bytes) else label for label in result.as_numpy("label")]
    assert labels[0] == "positive"
    assert labels[2] == "negative"
    assert result.as_numpy("abstained").tolist() == [False, False, False]
    assert ((result.as_numpy("novelty") >= 0) & (result.as_numpy("novelty") <= 1)).all()


def test_it_infers_from_columns_with_holes_as_the_bundle_itself_does(
    columns: Served, connect: Callable[[Served], InferenceServerClient]
) -> None:
    client = connect(columns)
    names = [tensor["name"] for tensor in client.get_model_metadata(columns.name)["inputs"]]
    values = np.random.default_rng(0).uniform(0, 30, size=(5, len(names))).astype(np.float32)
    values[0, ::2] = np.nan
    tensors = []
    for column, name in enumerate(names[:-1]):  # one tensor is left out
        tensors.append(InferInput(name, [5], "FP32").set_data_from_numpy(values[:, column]))
    result = client.infer(columns.name, tensors, headers=headers())
    rows = [
        {name: None if np.isnan(v) else float(v) for name, v in zip(names[:-1], row, strict=False)} for row in values
    ]
    expected = [list(prediction.scores.values()) for prediction in Predictor.load(columns.bundle).predict(rows)]
    assert result.as_numpy("probabilities") == pytest.approx(np.array(expected), abs=1e-5)


def test_it_infers_from_files_of_pictures_and_from_their_pixels(
    pictures: Served, connect: Callable[[Served], InferenceServerClient], as_bytes: bool
) -> None:
    client, pixels = connect(pictures), np.zeros((2, 9, 12, 3), np.uint8)
    pixels[0, :, :, 0] = pixels[1, :, :, 2] = 200
    [described] = client.get_model_metadata(pictures.name)["inputs"]
    assert described == {"name": "pixels", "datatype": "BYTES", "shape": [-1]}
    data = [file_of(picture, "PNG") for picture in pixels]
    words = data if as_bytes else [base64.b64encode(one).decode() for one in data]
    files = InferInput("pixels", [2], "BYTES")
    files.set_data_from_numpy(np.array(words, dtype=object), binary_data=as_bytes)
    levels = InferInput("pixels", list(pixels.shape), "UINT8")
    levels.set_data_from_numpy(pixels, binary_data=as_bytes)
    one, other = (client.infer(pictures.name, [tensor], headers=headers()) for tensor in (files, levels))
    assert [label.decode() for label in one.as_numpy("label")] == ["longsleeve", "pants"]
    assert one.as_numpy("probabilities") == pytest.approx(other.as_numpy("probabilities"))


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_it_may_compress_what_it_sends_and_gets(
    text: Served, connect: Callable[[Served], InferenceServerClient], algorithm: str
) -> None:
    many = [texts(["good " * 50] * 50, True)]
    client = connect(text)
    plain = client.infer(text.name, many, headers=headers())
    packed = client.infer(
        text.name,
        many,
        headers=headers(),
        request_compression_algorithm=algorithm,
        response_compression_algorithm="gzip",
    )
    assert (packed.as_numpy("probabilities") == plain.as_numpy("probabilities")).all()


def test_its_errors_say_what_is_wrong(text: Served, connect: Callable[[Served], InferenceServerClient]) -> None:
    client = connect(text)
    with pytest.raises(InferenceServerException, match=r"no input of this name.*\"text\"") as wrong_name:
        client.infer(text.name, [InferInput("txt", [1], "BYTES")], headers=headers())
    assert wrong_name.value.status() == "422"
    with pytest.raises(InferenceServerException, match="Nothing is at this path"):
        client.get_model_metadata("another")
