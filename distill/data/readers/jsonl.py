"""JSON Lines: one object a line, its keys the columns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from distill.data.normalize import LONE_SURROGATE, column_name
from distill.data.readers import file_kinds
from distill.data.readers.cells import Table
from distill.data.readers.encoding import decode
from distill.data.wording import listed
from distill.errors import DataError

_KINDS = {dict: "an object", list: "an array", str: "text", bool: "true or false", int: "a number", float: "a number"}


def read(
    content: bytes, where: str, wanted: Sequence[str] = (), prefix: str | None = None, encoding: str | None = None
) -> Table:
    """Parse; a key that a line lacks is a missing cell, a key that ever holds an object or an array is unusable.

    What an object holds is a column where its path is asked for, as in user.age; a key that is itself called so wins.

    Args:
        content: the file's bytes.
        where: its name, for messages.
        wanted: column names that the recipe uses, among them paths.
        prefix: so begin the names of other wanted columns.
        encoding: Python's name of it, where the recipe says one.

    Raises:
        DataError: empty, not text, or a line that is not a JSON object.
    """
    text, notes = decode(content, where, encoding)
    file_kinds.refuse_json(text, "jsonl", where)
    filled = {number: line for number, line in enumerate(text.split("\n"), start=1) if line.strip()}
    lines, records = list(filled), [_record(line, f"{where}, line {number}") for number, line in filled.items()]
    if not records:
        raise DataError(f"{where} is empty, wanted one JSON object a line.")
    columns, unusable = {}, {}
    names = dict.fromkeys(name for record in records for name in record)
    try:
        parts = dict.fromkeys(path for record in records for path in _paths(record, ""))
    except RecursionError:
        raise DataError(f"{where} holds objects that are nested too deeply. Flatten them into columns.") from None
    asked = {*map(column_name, wanted)}
    asked_parts = [path for path in parts if path in asked or prefix and path.startswith(column_name(prefix))]
    for name in dict.fromkeys((*names, *asked_parts)):
        values = [_at(record, name) for record in records]
        nested = next((row for row, value in enumerate(values) if isinstance(value, (dict, list))), None)
        if nested is None:
            columns[name] = np.array([cell(value) for value in values], dtype=object)
        else:
            unusable[name] = f"line {lines[nested]} holds {_unreadable(name, values[nested], list(parts))}"
    return Table(where, "line", columns, np.array(lines, dtype=np.int64), notes, unusable, tuple(parts))


def _paths(value: Mapping[str, object], above: str) -> Iterator[str]:
    """Every path from below an object to what is no object, however deep."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _paths(inner, f"{above}{name}.")
        elif above:
            yield above + name


def _at(record: Mapping[str, object], path: str) -> object:
    """What stands at a path, None where nothing does. A key may hold points itself: the longest that is there wins."""
    if path in record:
        return record[path]
    keys = path.split(".")
    for length in range(len(keys) - 1, 0, -1):
        inner = record.get(".".join(keys[:length]))
        if isinstance(inner, dict):
            found = _at(inner, ".".join(keys[length:]))
            if found is not None:
                return found
    return None


def _unreadable(name: str, value: object, parts: Sequence[str]) -> str:
    inside = [path for path in parts if path.startswith(f"{name}.")]
    if isinstance(value, dict) and inside:
        return f"an object, wanted text or a number: name its parts, as in {listed(inside[:2])}"
    return f"{_KINDS[type(value)]}, wanted text or a number: flatten it into columns"


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
        csv = "" if line.lstrip().startswith(("{", "[")) else " Is it CSV? Set data.source to what it is."
        raise DataError(f"{where} is not JSON{column}. Wanted one object a line.{csv}") from None
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
