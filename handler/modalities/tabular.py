"""Columns: a number or a category each, missing ones left out or null, explained by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handler.bundle.contract import Input, Serving
from handler.errors import RequestError
from handler.modalities import levelling
from handler.modalities.cells import LONGEST_KEY, cell, nearest, tensor, wrong_type
from handler.modalities.modality import Arrays, Modality, Record

_NAMES_SHOWN = 8


def _check(value: object, serving: Serving, pointer: str) -> Record:
    if not isinstance(value, dict):
        raise wrong_type("An input", "an object of columns", value, pointer)
    columns = {column.name: column for column in serving.inputs}
    value = _named(value, columns, pointer)
    if not value:
        raise RequestError(422, "no-columns", f"This input has no columns. {_names(columns)}", pointer)
    return {name: cell(sent, columns[name], serving.limits, _at(pointer, name)) for name, sent in value.items()}


def _named(value: Mapping[str, object], columns: Mapping[str, Input], pointer: str) -> Mapping[str, object]:
    """The columns under the names that training read: composed to NFC, without space around or marks nobody sees.

    Raises:
        RequestError: 422, a name that the model does not know, or two that are one.
    """
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
                f"{nearest(key, columns) or _names(columns)}",
                pointer,
            )
    return made


def _name(key: str, columns: Mapping[str, Input]) -> str:
    if key in columns or len(key) > LONGEST_KEY:
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
    if not all(isinstance(record, Mapping) for record in records):
        raise TypeError("A tabular model takes mappings of column to value.")
    columns = {column.name: column for column in serving.inputs}
    named = [_named(record, columns, f"/inputs/{i}") for i, record in enumerate(records)]
    return {name: tensor(column, [record.get(name) for record in named]) for name, column in columns.items()}


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
    warm_up={},
    fewest_parts=lambda record: len(_sent(record)),
    # One copy for each column that was sent, in which it is missing.
    parts=lambda record, copies, records: [({"column": name}, {**record, name: None}) for name in _sent(record)],
)
