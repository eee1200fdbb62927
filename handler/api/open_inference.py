"""The Open Inference Protocol v2, which KServe, Triton, MLServer and their clients speak.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md, with Triton's
extension for tensors as bytes. One tensor an input of the manifest, a row an input: a text is BYTES, a number FP32 (or
any other number), a category BYTES, a picture BYTES, its file (in JSON as base64), or UINT8 [N,H,W,3], its pixels. The
rules for a value are those of `POST /predict`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handler.api import tensors
from handler.api.predict import check_finite, check_size
from handler.bundle.contract import Input, Limits, Serving
from handler.errors import RequestError
from handler.http import strict_json
from handler.http.body import OCTETS
from handler.http.response import Response, dumps
from handler.modalities.cells import is_whole, json_type, nearest, wrong_type
from handler.modalities.modality import Record
from handler.modalities.register import named
from handler.model.predictor import Prediction, Predictor

HEADER_LENGTH = "inference-header-content-length"
PLATFORM = "onnxruntime_onnx"
EXTENSIONS = ("binary_tensor_data",)
# By the graph's type. Of a picture, its file; the graph's own tensor, uint8, is taken as well.
_DATATYPES: Mapping[str, str] = {"string": tensors.BYTES, "float32": "FP32", "uint8": tensors.BYTES}
_OUTPUTS: Mapping[str, str] = {"probabilities": "FP32", "novelty": "FP32", "label": tensors.BYTES, "abstained": "BOOL"}
_EXPECTED_COSTS: Mapping[str, str] = {"expected_costs": "FP32"}  # of a model with costs
_REQUEST_KEYS = ("id", "parameters", "inputs", "outputs")
_TENSOR_KEYS = ("name", "shape", "datatype", "parameters", "data")
_MAX_ID_CHARACTERS = 256
_MAX_LENGTH_DIGITS = 9
_PIXELS_RANK, _CHANNELS = 4, 3
_SHAPE = '"shape" wants [N] or [N, 1], N of 1 or more and the same in all tensors.'
_PIXELS_SHAPE = '"shape" wants [N, H, W, 3] with UINT8, [N] or [N, 1] with BYTES, and sizes of 1 or more.'


@dataclass(frozen=True)
class Inference:
    """A checked inference request."""

    records: list[Record]
    outputs: Mapping[str, bool]  # name -> whether its values are wanted as bytes
    id: str | None


def metadata(predictor: Predictor) -> dict[str, Any]:
    """What `GET /v2/models/{name}` tells."""
    serving = predictor.serving
    columns = {"probabilities": [len(serving.labels)], "expected_costs": [_decisions(serving)]}
    outputs = [
        {"name": name, "datatype": datatype, "shape": [-1, *columns.get(name, ())]}
        for name, datatype in _outputs_of(serving).items()
    ]
    return {
        "name": predictor.name,
        "versions": [predictor.version],
        "platform": PLATFORM,
        "inputs": [
            {"name": column.name, "datatype": _DATATYPES[column.dtype], "shape": [-1]} for column in serving.inputs
        ],
        "outputs": outputs,
    }


def read(body: bytes, header_length: str | None, serving: Serving) -> Inference:
    """Read an inference request: JSON, or `header_length` bytes of JSON and then the tensors that are bytes.

    Raises:
        RequestError: 400 not JSON, 413 over a limit, 422 not what the model takes.
    """
    header, tail = _split(body, header_length)
    document = strict_json.loads(header, serving.limits.max_depth)
    if not isinstance(document, dict):
        raise RequestError(422, "wrong-type", f"Wanted a JSON object, found {json_type(document)}.", "")
    _check_keys(document, _REQUEST_KEYS, "")
    wants_bytes = _parameters(document, "").get("binary_data_output") is True
    values = _tensors(document.get("inputs"), tail, serving)
    records = named(serving.task).from_columns(values, serving)
    return Inference(
        records, _outputs(document.get("outputs"), wants_bytes, _outputs_of(serving)), _id(document.get("id"))
    )


def answer(request: Inference, predictor: Predictor) -> Response:
    """The tensors asked for, as JSON, or as JSON and then bytes.

    Raises:
        RequestError: 413, the answer would be too large; 422, a number so large that the model has no answer.
    """
    check_size(len(request.records), predictor.serving)
    predictions = predictor.predict(request.records)
    check_finite(predictions)
    columns: dict[str, Sequence[object]] = {
        "probabilities": [list(prediction.scores.values()) for prediction in predictions],
        "novelty": [prediction.novelty for prediction in predictions],
        "label": [prediction.label for prediction in predictions],
        "abstained": [prediction.abstained for prediction in predictions],
    }
    if predictor.serving.costs is not None:
        columns["expected_costs"] = [_decision_costs(prediction) for prediction in predictions]
    kinds = _outputs_of(predictor.serving)
    written = [tensors.write(name, kinds[name], columns[name], raw) for name, raw in request.outputs.items()]
    content: dict[str, Any] = {
        "model_name": predictor.name,
        "model_version": predictor.version,
        **({} if request.id is None else {"id": request.id}),
        "outputs": [described for described, _ in written],
    }
    answered = Response(200, content, predictions=tuple(predictions))
    if not any(request.outputs.values()):
        return answered
    header = dumps(content)
    packed = header + b"".join(data for _, data in written)
    return replace(
        answered, media_type=OCTETS, headers={HEADER_LENGTH: str(len(header))}, packed=packed, is_binary=True
    )


def _outputs_of(serving: Serving) -> Mapping[str, str]:
    """Name and datatype of each tensor that the model answers with."""
    return _OUTPUTS if serving.costs is None else {**_OUTPUTS, **_EXPECTED_COSTS}


def _decisions(serving: Serving) -> int:
    """How many decisions have an expected cost: each label, and abstaining where it has a price."""
    return len(serving.labels) + (serving.costs is not None and serving.costs.abstain is not None)


def _decision_costs(prediction: Prediction) -> list[float]:
    """The expected cost of deciding each label, and last of abstaining where that has a price."""
    decision = prediction.decision
    if decision is None:
        return []
    return [*decision.expected_costs.values(), *(() if decision.abstaining is None else (decision.abstaining,))]


def _split(body: bytes, header_length: str | None) -> tuple[bytes, memoryview]:
    if header_length is None:
        return body, memoryview(b"")
    whole = header_length.isascii() and header_length.isdigit() and len(header_length) <= _MAX_LENGTH_DIGITS
    if not whole or int(header_length) > len(body):
        detail = "The header Inference-Header-Content-Length wants the number of the body's bytes that are JSON."
        raise RequestError(400, "malformed-body", detail)
    return body[: int(header_length)], memoryview(body)[int(header_length) :]


def _tensors(given: object, tail: memoryview, serving: Serving) -> dict[str, list[Any]]:
    """Checked values by input name, of as many rows each."""
    kind = named(serving.task)
    columns = {column.name: column for column in serving.inputs}
    if not isinstance(given, list) or not given:
        raise RequestError(422, "no-inputs", 'Wanted "inputs": a list of one tensor or more.', "/inputs")
    values: dict[str, list[Any]] = {}
    rows = 0
    for i, tensor in enumerate(given):
        pointer = f"/inputs/{i}"
        name = _name(tensor, "A tensor", _TENSOR_KEYS, columns, values, _no_input, pointer)
        column = columns[name]
        shape = _shape(tensor, column, serving.limits, f"{pointer}/shape")
        count = shape[0]
        if rows not in (0, count):
            raise RequestError(422, "wrong-shape", _SHAPE, f"{pointer}/shape")
        rows = count
        raw, tail = _values(tensor, tail, column, shape, pointer)
        values[name] = []
        for row, value in enumerate(raw):
            place = f"{pointer}/data/{row}"
            values[name].append(kind.check_cell(value, column, serving.limits, place))
            kind.check_total(values[name], serving, place)
    if tail:
        raise RequestError(
            422, "wrong-shape", f"{len(tail):,} bytes after the JSON belong to no tensor's binary_data_size.", "/inputs"
        )
    return values


def _name(
    holder: object,
    what: str,
    keys: tuple[str, ...],
    known: Mapping[str, object],
    seen: Mapping[str, object],
    unknown: Callable[[object, Mapping[str, object]], str],
    pointer: str,
) -> str:
    """The name of a tensor or an output, `what`: one of those `known`, and of none `seen` before."""
    if not isinstance(holder, dict):
        raise wrong_type(what, "an object", holder, pointer)
    _check_keys(holder, keys, pointer)
    name = holder.get("name")
    if not isinstance(name, str) or name not in known:
        raise RequestError(422, "unknown-tensor", unknown(name, known), f"{pointer}/name")
    if name in seen:
        raise RequestError(422, "repeated-tensor", f"Two {what.split()[1]}s have the same name.", f"{pointer}/name")
    return name


def _no_input(name: object, known: Mapping[str, object]) -> str:
    hint = nearest(name, known) if isinstance(name, str) else ""
    takes = f"It takes {len(known)}, as GET /v2/models/{{name}} tells."
    return f"The model has no input of this name. {hint or takes}"


def _shape(tensor: Mapping[str, Any], column: Input, limits: Limits, pointer: str) -> tuple[int, ...]:
    """(N,), or that of pixels, (N,H,W,3)."""
    given = tensor.get("shape")
    sizes = given if isinstance(given, list) else []
    takes_pixels = column.dtype == "uint8"
    whole = all(is_whole(size) and size >= 1 for size in sizes)
    if takes_pixels and tensor.get("datatype") == tensors.UINT8:
        fits = len(sizes) == _PIXELS_RANK and sizes[-1] == _CHANNELS
    else:
        fits = bool(sizes) and sizes[1:] in ([], [1])
    if not whole or not fits:
        raise RequestError(422, "wrong-shape", _PIXELS_SHAPE if takes_pixels else _SHAPE, pointer)
    rows = int(sizes[0])
    if rows > limits.max_inputs:
        detail = f"The request holds {rows:,} inputs, the limit is {limits.max_inputs:,}. Send several requests."
        raise RequestError(413, "too-many-inputs", detail, pointer)
    return tuple(map(int, sizes)) if len(sizes) == _PIXELS_RANK else (rows,)


def _values(
    tensor: Mapping[str, Any], tail: memoryview, column: Input, shape: tuple[int, ...], pointer: str
) -> tuple[Sequence[Any], memoryview]:
    """The tensor's values, and what is left of the bytes."""
    datatype = tensor.get("datatype")
    if not isinstance(datatype, str):
        raise wrong_type('"datatype"', "a string", datatype, f"{pointer}/datatype")
    size = _parameters(tensor, pointer).get("binary_data_size")
    if size is None:
        return tensors.from_json(tensor.get("data"), datatype, shape, pointer), tail
    if not is_whole(size) or not 0 <= size <= len(tail) or "data" in tensor:
        detail = '"binary_data_size" wants the number of this tensor\'s bytes after the JSON, and no "data" beside it.'
        raise RequestError(422, "wrong-shape", detail, f"{pointer}/parameters/binary_data_size")
    size = int(size)
    are_files = column.dtype == "uint8"
    return tensors.from_bytes(tail[:size], datatype, shape, pointer, are_files=are_files), tail[size:]


def _outputs(given: object, wants_bytes: bool, known: Mapping[str, str]) -> dict[str, bool]:
    if given is None or given == []:
        return dict.fromkeys(known, wants_bytes)
    if not isinstance(given, list):
        raise wrong_type('"outputs"', "an array", given, "/outputs")
    wanted: dict[str, bool] = {}
    for i, output in enumerate(given):
        pointer = f"/outputs/{i}"
        name = _name(
            output,
            "An output",
            ("name", "parameters"),
            known,
            wanted,
            lambda _, known: f"There is no output of this name. There are {', '.join(known)}.",
            pointer,
        )
        parameters = _parameters(output, pointer)
        if "classification" in parameters:
            detail = 'Classification is not an extension that this server has: take the output "label".'
            raise RequestError(422, "unknown-key", detail, f"{pointer}/parameters/classification")
        wanted[name] = parameters.get("binary_data", wants_bytes) is True
    return wanted


def _parameters(holder: Mapping[str, Any], pointer: str) -> Mapping[str, Any]:
    """Optional settings; those that this server does not know are for other servers."""
    found = holder.get("parameters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise wrong_type('"parameters"', "an object", found, f"{pointer}/parameters")
    return found


def _id(found: object) -> str | None:
    if found is None:
        return None
    if not isinstance(found, str) or len(found) > _MAX_ID_CHARACTERS or not found.isprintable():
        raise RequestError(
            422, "wrong-type", f'"id" wants a printable string of at most {_MAX_ID_CHARACTERS} characters.', "/id"
        )
    return found


def _check_keys(found: Mapping[str, Any], known: tuple[str, ...], pointer: str) -> None:
    for key in found:
        if key not in known:
            listed = ", ".join(f'"{name}"' for name in known)
            raise RequestError(
                422, "unknown-key", f"There is an unknown key. {nearest(key, known) or f'Known are {listed}.'}", pointer
            )
