"""The toy modality as the function takes it: a single number a row, sent as a JSON number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handler.bundle.contract import Input, Limits, Serving
from handler.errors import RequestError
from handler.modalities.cells import tensor
from handler.modalities.modality import Arrays, Modality, Part, Record


def check_cell(value: object, column: Input, limits: Limits, pointer: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RequestError(422, "wrong-type", "An input wants a number.", pointer)
    return float(value)


def check(value: object, serving: Serving, pointer: str) -> Record:
    return check_cell(value, serving.inputs[0], serving.limits, pointer)


def from_columns(values: Mapping[str, Sequence[Any]], serving: Serving) -> list[Record]:
    return list(values[serving.inputs[0].name])


def arrays(records: Sequence[Record], serving: Serving) -> Arrays:
    return {serving.inputs[0].name: tensor(serving.inputs[0], records)}


def parts(record: Record, copies: int, records: int) -> list[tuple[Part, Record]]:
    return [({"whole": True}, 0.0)]


LEVEL = Modality(
    name="level",
    takes=frozenset({("level", "float32")}),
    check_inputs=lambda serving: "" if len(serving.inputs) == 1 else "names several inputs",
    check=check,
    check_cell=check_cell,
    from_columns=from_columns,
    arrays=arrays,
    warm_up=lambda serving: 0.0,
    fewest_parts=lambda record: 1,
    parts=parts,
)
