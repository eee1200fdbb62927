"""The Open Inference Protocol's tensors: JSON or bytes -> values, and values -> JSON or bytes.

Datatypes and layouts: https://github.com/kserve/open-inference-protocol (required API, tensor data types), and for the
bytes https://github.com/triton-inference-server/server (binary tensor data extension): little-endian numbers in row
order; a string is its length in four bytes and then its UTF-8.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from handler.errors import RequestError
from handler.modalities.cells import is_whole, wrong_type

BYTES, UINT8 = "BYTES", "UINT8"
_LENGTH = struct.Struct("<I")
# name -> numpy's little-endian type, and what its values are in JSON.
_DATATYPES: Mapping[str, tuple[str, type]] = {
    BYTES: ("O", str),
    "BOOL": ("?", bool),
    UINT8: ("<u1", int),
    "UINT16": ("<u2", int),
    "UINT32": ("<u4", int),
    "UINT64": ("<u8", int),
    "INT8": ("<i1", int),
    "INT16": ("<i2", int),
    "INT32": ("<i4", int),
    "INT64": ("<i8", int),
    "FP16": ("<f2", float),
    "FP32": ("<f4", float),
    "FP64": ("<f8", float),
}
_WANTED: Mapping[type, str] = {bool: "booleans", int: "whole numbers", float: "numbers", str: "strings"}


def from_json(data: object, datatype: str, shape: tuple[int, ...], pointer: str) -> Sequence[Any]:
    """The values of one tensor of one column, flat or nested. null stands for a missing value.

    `shape`: (N,); with more sizes, the values are arrays.

    Raises:
        RequestError: 422, another number of values, or of another type than `datatype`.
    """
    wanted = _json_type_of(datatype, pointer)
    if not isinstance(data, list):
        raise wrong_type('"data"', "an array", data, f"{pointer}/data")
    if len(shape) > 1:
        return _arrays_of_json(data, datatype, shape, f"{pointer}/data")
    (rows,) = shape
    values = [item[0] if isinstance(item, list) and len(item) == 1 else item for item in data]
    if len(values) != rows:
        raise RequestError(
            422, "wrong-shape", f'"data" holds {len(values):,} values, its shape wants {rows:,}.', f"{pointer}/data"
        )
    for i, value in enumerate(values):
        if value is not None and not _is(value, wanted):
            raise wrong_type(f"A tensor of {datatype}", f"{_WANTED[wanted]} or null", value, f"{pointer}/data/{i}")
    return values


def _arrays_of_json(data: list[Any], datatype: str, shape: tuple[int, ...], pointer: str) -> Sequence[Any]:
    kind = np.dtype(_DATATYPES[datatype][0])
    wrong = f"A tensor of {datatype} with {len(shape)} sizes wants an array of {math.prod(shape):,} whole numbers"
    try:
        found = np.array(data)
    except ValueError:
        raise RequestError(422, "wrong-shape", f"{wrong}, flat or nested as its shape says.", pointer) from None
    if found.dtype.kind not in "iuf" or not np.array_equal(made := found.astype(kind), found):
        raise RequestError(422, "wrong-type", f"{wrong} from 0 to {np.iinfo(kind).max}.", pointer)
    if made.shape not in (shape, (math.prod(shape),)):
        raise RequestError(422, "wrong-shape", f"{wrong}, found {made.size:,}.", pointer)
    return list(made.reshape(shape))


def from_bytes(
    data: memoryview, datatype: str, shape: tuple[int, ...], pointer: str, *, are_files: bool = False
) -> Sequence[Any]:
    """The values of one tensor of one column. NaN stands for a missing number.

    `shape`: (N,); with more sizes, the values are arrays. `are_files`: what is BYTES is no text, but bytes.

    Raises:
        RequestError: 422, another number of values, or strings that are not UTF-8.
    """
    _json_type_of(datatype, pointer)
    if datatype == BYTES:
        return _strings(data, shape[0], pointer, are_files=are_files)
    kind = np.dtype(_DATATYPES[datatype][0])
    if len(data) != (wanted := math.prod(shape) * kind.itemsize):
        detail = f"The tensor has {len(data):,} bytes, its shape and datatype want {wanted:,}."
        raise RequestError(422, "wrong-shape", detail, pointer)
    if len(shape) > 1:
        return list(np.frombuffer(data, kind).reshape(shape))
    return [None if value != value else value for value in np.frombuffer(data, kind).tolist()]


def _strings(data: memoryview, rows: int, pointer: str, *, are_files: bool) -> list[Any]:
    values: list[Any] = []
    place = 0
    while place + _LENGTH.size <= len(data) and len(values) < rows:
        (length,) = _LENGTH.unpack_from(data, place)
        place += _LENGTH.size
        word = data[place : place + length]
        if len(word) != length:
            break
        try:
            values.append(bytes(word) if are_files else str(word, "utf-8"))
        except UnicodeDecodeError:
            raise RequestError(
                422, "not-unicode", f"String {len(values)} of the tensor is not UTF-8.", pointer
            ) from None
        place += length
    if len(values) != rows or place != len(data):
        detail = f"The tensor's bytes do not hold {rows:,} strings, each after its length in four bytes."
        raise RequestError(422, "wrong-shape", detail, pointer)
    return values


def _json_type_of(datatype: str, pointer: str) -> type:
    if datatype not in _DATATYPES:
        known = ", ".join(_DATATYPES)
        raise RequestError(422, "wrong-type", f'"datatype" wants one of {known}.', f"{pointer}/datatype")
    return _DATATYPES[datatype][1]


def _is(value: object, wanted: type) -> bool:
    if wanted is int:
        return is_whole(value)
    kinds = (int, float) if wanted is float else wanted
    return isinstance(value, kinds) and isinstance(value, bool) == (wanted is bool)


def write(name: str, datatype: str, values: Sequence[object], as_bytes: bool) -> tuple[dict[str, Any], bytes]:
    """One tensor of an answer: with its values as a flat list, or with the number of its bytes, and the bytes."""
    array = np.array(values, dtype=_DATATYPES[datatype][0])
    head = {"name": name, "datatype": datatype, "shape": list(array.shape)}
    if not as_bytes:
        return head | {"data": array.ravel().tolist()}, b""
    if datatype == BYTES:
        words = [str(word).encode() for word in array.ravel()]
        data = b"".join(_LENGTH.pack(len(word)) + word for word in words)
    else:
        data = array.tobytes()
    return head | {"parameters": {"binary_data_size": len(data)}}, data
