"""JSON Lines: one object a line, its keys the columns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

import numpy as np

from distill.data.normalize import LONE_SURROGATE, column_name
from distill.data.readers.cells import Table
from distill.data.readers.encoding import decode
from distill.errors import DataError

_KINDS = {dict: "an object", list: "an array", str: "text", bool: "true or false", int: "a number", float: "a number"}


def read(content: bytes, where: str) -> Table:
    """Parse; a key that a line lacks is a missing cell, a key that ever holds an object or an array is unusable.

    Raises:
        DataError: empty, not text, or a line that is not a JSON object.
    """
    text, notes = decode(content, where)
    filled = {number: line for number, line in enumerate(text.split("\n"), start=1) if line.strip()}
    lines, records = list(filled), [_record(line, f"{where}, line {number}") for number, line in filled.items()]
    if not records:
        raise DataError(f"{where} is empty, wanted one JSON object a line.")
    columns, unusable = {}, {}
    for name in dict.fromkeys(name for record in records for name in record):
        values = [record.get(name) for record in records]
        nested = next((row for row, value in enumerate(values) if isinstance(value, (dict, list))), None)
        if nested is None:
            columns[name] = np.array([cell(value) for value in values], dtype=object)
        else:
            unusable[name] = f"line {lines[nested]} holds {_KINDS[type(values[nested])]}, wanted text or a number"
    return Table(where, "line", columns, np.array(lines, dtype=np.int64), notes, unusable)


def cell(value: object) -> str:
    """A scalar as a cell: what is missing is "", true and false are words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return LONE_SURROGATE.sub("\ufffd", str(value))


def _record(line: str, where: str) -> dict[str, object]:
    try:
        record = json.loads(line, object_pairs_hook=lambda pairs: _unique(pairs, where))
    except (ValueError, RecursionError) as error:
        column = f" at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        whole = " Is it one JSON array? Write one object a line." if line.lstrip().startswith("[") else ""
        wanted = whole or " Wanted one object a line. Is it CSV? Set data.source to what it is."
        raise DataError(f"{where} is not JSON{column}.{wanted}") from None
    if not isinstance(record, dict):
        raise DataError(f"{where} holds {_KINDS.get(type(record), 'null')}, wanted an object. Write one object a line.")
    return record


def _unique(pairs: Iterable[tuple[str, object]], where: str) -> dict[str, object]:
    made: dict[str, object] = {}
    for name, value in pairs:
        name = column_name(name)
        if name in made:
            raise DataError(f"{where} has the key {name!r} twice. Keep one.")
        made[name] = value
    return made
