"""Columns: a number or a category each, missing ones left out or null, explained by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from handler.bundle.contract import Input, Serving
from handler.errors import RequestError
from handler.modalities import levelling
from handler.modalities.cells import LONGEST_KEY, cell, json_type, nearest, tensor, wrong_type
from handler.modalities.modality import Arrays, Modality, Record

_NAMES_SHOWN = 8
_PLAIN = frozenset({str, int, float, type(None)})


def _check(value: object, serving: Serving, pointer: str) -> Record:
    if not isinstance(value, dict):
        raise wrong_type("An input", "an object of columns", value, pointer)
    columns = {column.name: column for column in serving.inputs}
    value = _named(value, columns, pointer)
    return {name: cell(sent, columns[name], serving.limits, _at(pointer, name)) for name, sent in value.items()}


def _named(value: Mapping[str, object], columns: Mapping[str, Input], pointer: str) -> Mapping[str, object]:
    """The columns under the names that training read: composed to NFC, without space around or marks nobody sees.

    Raises:
        RequestError: 422, no column, a name that the model does not know, or two that are one.
    """
    if not value:
        raise RequestError(422, "no-columns", f"This input has no columns. {_names(columns)}", pointer)
    if value.keys() <= columns.keys():
        return value
    made = {_name(key, columns): cell for key, cell in value.items()}
    if len(made) != len(value):
        raise RequestError(422, "repeated-column", "Two columns of this input have the same name.", pointer)
    for i, key in enumerate(made):
        if key not in columns:
            raise RequestError(
                422,
                "unknown-column",
                f"Column {i + 1} of {len(value)} in this input is not one the model knows. "
                f"{nearest(str(key), columns) or _names(columns)}",
                pointer,
            )
    return made


def _name(key: str, columns: Mapping[str, Input]) -> str:
    if key in columns or not isinstance(key, str) or len(key) > LONGEST_KEY:
        return key
    return levelling.name(key)


def _names(columns: Mapping[str, Input]) -> str:
    shown = ", ".join(f'"{name}"' for name in list(columns)[:_NAMES_SHOWN])
    more = len(columns) - _NAMES_SHOWN
    return f"The model takes {shown}{f' and {more} more' if more > 0 else ''}."


def _at(pointer: str, name: str) -> str:
    """RFC 6901: '~' and '/' in a name are escaped."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def _arrays(records: Sequence[Record], serving: Serving) -> Arrays:
    columns = {column.name: column for column in serving.inputs}
    named = []
    for i, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise TypeError(f"A tabular model takes mappings of column to value; input {i} is {json_type(record)}.")
        named.append(_named(record, columns, f"/inputs/{i}"))
        if not _PLAIN.issuperset(map(type, record.values())):  # what was checked is plain
            named[-1] = _check(_without_numpy(named[-1]), serving, f"/inputs/{i}")
    try:
        return {name: tensor(column, [record.get(name) for record in named]) for name, column in columns.items()}
    except (ValueError, OverflowError):
        for i, record in enumerate(named):
            _check(record, serving, f"/inputs/{i}")  # says which value it is, and what is wanted
        raise


def _without_numpy(record: Mapping[str, object]) -> dict[str, object]:
    """Numbers of NumPy, as rows of its arrays and of data frames hold, as Python's; NaN is a hole there."""
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in record.items()}
    return {name: None if isinstance(value, float) and value != value else value for name, value in plain.items()}


def _sent(record: Record) -> list[str]:
    return [name for name, value in record.items() if value is not None]


TABULAR = Modality(
    name="tabular",
    takes=frozenset({("number", "float32"), ("category", "string")}),
    check_inputs=lambda _: "",
    check=_check,
    check_cell=cell,
    from_columns=lambda values, _: [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)],
    arrays=_arrays,
    warm_up=lambda serving: {serving.inputs[0].name: None},
    fewest_parts=lambda record: len(_sent(record)),
    # One copy for each column that was sent, in which it is missing.
    parts=lambda record, copies, records: [({"column": name}, {**record, name: None}) for name in _sent(record)],
)
