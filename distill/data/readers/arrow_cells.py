"""A column of any Arrow type as cells, or why it has none.

Text is text; bytes that are UTF-8 text are text with a note. Numbers are written as short as their width allows (0.1
for the float32 next to it), decimals in plain digits. A point in time is ISO 8601, in UTC where the column has a zone:
so it needs no list of zones, and a request can be written alike. A length of time is seconds. Dictionaries and run-end
encoding are undone. Lists, maps, structs, unions and calendar intervals have no cells.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.data.readers.jsonl import cell

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SHOWN = 60  # characters of a type's name
_NO_TEXT = re.compile("[\0-\x08\x0e-\x1f\x7f]")
_CAST = "write it as text, as in CAST(x AS VARCHAR) or .str.decode('utf-8'); or in hexadecimal digits where it is a key"


class UnreadableError(Exception):
    """A column without cells. The message says what it holds, `advice` what to do."""

    def __init__(self, message: str, advice: str = "flatten it into columns") -> None:
        """Keep the advice apart, as others may have better."""
        super().__init__(message)
        self.advice = advice


@dataclass(frozen=True)
class Cells:
    """A column's N values, "" for what is missing, and what had to be done to them."""

    values: list[str]
    note: str = ""  # goes on after the column's name


def read(column: Any) -> Cells:  # noqa: ANN401 - pyarrow has no stubs
    """A pyarrow ChunkedArray [N] as cells.

    Raises:
        UnreadableError: its type has no cells, or a value is not what the type says.
    """
    from pyarrow import ArrowException

    try:
        column = _plain(column)
        for applies, reader in _readers():
            if applies(column.type):
                return reader(column)
    except (ArrowException, ValueError, OverflowError):
        raise UnreadableError(f"its {_named(column.type)} cannot be read", "write it as text or numbers") from None
    raise UnreadableError(f"its type is {_named(column.type)}, wanted text, numbers, true and false, or dates")


def _plain(column: Any) -> Any:  # noqa: ANN401
    """Without dictionaries, run-end encoding and extension types, which may stand in each other."""
    import pyarrow
    from pyarrow import compute, types

    kind = column.type
    if types.is_dictionary(kind):
        chunks = [chunk.dictionary_decode() for chunk in column.chunks]
        return _plain(pyarrow.chunked_array(chunks, type=kind.value_type))
    if types.is_run_end_encoded(kind):
        chunks = [compute.run_end_decode(chunk) for chunk in column.chunks]
        return _plain(pyarrow.chunked_array(chunks, type=kind.value_type))
    if isinstance(kind, pyarrow.BaseExtensionType) and kind.extension_name not in ("arrow.uuid", "arrow.bool8"):
        return _plain(pyarrow.chunked_array([chunk.storage for chunk in column.chunks], type=kind.storage_type))
    return column


def _readers() -> Iterable[tuple[Callable[[Any], bool], Callable[[Any], Cells]]]:
    from pyarrow import types

    return (
        (_is_extension("arrow.uuid"), lambda column: _each(_storage(column), lambda key: str(uuid.UUID(bytes=key)))),
        (_is_extension("arrow.bool8"), lambda column: _each(_storage(column), lambda value: cell(bool(value)))),
        (types.is_null, lambda column: Cells([""] * len(column))),
        (lambda kind: types.is_boolean(kind) or types.is_integer(kind), lambda column: _each(column, cell)),
        (types.is_floating, _floats),
        (types.is_decimal, lambda column: _each(column, lambda value: f"{value:f}")),
        (lambda kind: _is_one_of(kind, "string", "large_string", "string_view"), _texts),
        (lambda kind: _is_one_of(kind, "binary", "large_binary", "binary_view", "fixed_size_binary"), _bytes),
        (types.is_timestamp, _timestamps),
        (types.is_duration, _durations),
        (lambda kind: types.is_date(kind) or types.is_time(kind), lambda column: Cells(_as_text(column))),
        (types.is_interval, _refuse_interval),
    )


def _is_extension(name: str) -> Callable[[Any], bool]:
    return lambda kind: getattr(kind, "extension_name", None) == name


def _is_one_of(kind: Any, *names: str) -> bool:  # noqa: ANN401
    return str(kind).split("[")[0] in names


def _named(kind: Any) -> str:  # noqa: ANN401
    name = str(kind)
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"


def _storage(column: Any) -> Any:  # noqa: ANN401
    import pyarrow

    return pyarrow.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)


def _each(column: Any, cell_of: Callable[[Any], str]) -> Cells:  # noqa: ANN401
    return Cells(["" if value is None else cell_of(value) for value in column.to_pylist()])


def _floats(column: Any) -> Cells:  # noqa: ANN401
    narrow = np.dtype(column.type.to_pandas_dtype()).type
    return _each(column, lambda value: "" if value != value else str(float(str(narrow(value)))))


def _texts(column: Any) -> Cells:  # noqa: ANN401
    try:
        return _each(column, cell)
    except UnicodeDecodeError:
        for row, value in enumerate(column.cast("large_binary").to_pylist(), start=1):
            if value is not None and not _is_utf8(value):
                raise UnreadableError(f"row {row} holds bytes that are not UTF-8", "write it again as text") from None
        raise


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _bytes(column: Any) -> Cells:  # noqa: ANN401
    values = []
    for row, value in enumerate(column.to_pylist(), start=1):
        text = "" if value is None else value.decode(errors="replace") if _is_utf8(value) else "\0"
        if _NO_TEXT.search(text):
            raise UnreadableError(f"its type is {_named(column.type)}, and row {row} is not UTF-8 text", _CAST)
        values.append(cell(text))
    return Cells(values, "holds bytes that are UTF-8 text, and is read as text")


def _timestamps(column: Any) -> Cells:  # noqa: ANN401
    import pyarrow

    kind = column.type
    if kind.tz is None:
        return Cells(_as_text(column))
    values = _as_text(column.cast(pyarrow.timestamp(kind.unit)))  # Arrow keeps UTC, and the zone beside it
    zone = "" if kind.tz in ("UTC", "+00:00", "Z") else f"is in the zone {kind.tz[:_SHOWN]}, and is read in UTC"
    return Cells([value and f"{value}Z" for value in values], zone)


def _as_text(column: Any) -> list[str]:  # noqa: ANN401
    """Arrow's own text, ISO 8601, without the zeros that only say in which unit it is stored."""
    texts = [value or "" for value in column.cast("string").to_pylist()]
    odd = next((row for row, text in enumerate(texts, start=1) if text.startswith("<")), None)
    if odd is not None:  # "<value out of range: 4611686018427387904>"
        raise UnreadableError(f"row {odd} holds a {_named(column.type)} out of range", "correct it")
    return [text.rstrip("0").rstrip(".") if "." in text else text for text in texts]


def _durations(column: Any) -> Cells:  # noqa: ANN401
    per_second = _PER_SECOND[column.type.unit]

    def seconds(value: int) -> str:
        return str(value // per_second) if value % per_second == 0 else str(value / per_second)

    numbers = _each(column.cast("int64"), seconds)
    return Cells(numbers.values, "is a length of time, and is read as seconds: send seconds")


def _refuse_interval(column: Any) -> Cells:  # noqa: ANN401
    raise UnreadableError(f"its type is {_named(column.type)}, and a month has no one length", "write it as days")
