"""What an OpenAPI document says of rows of columns."""

from __future__ import annotations

from distill.modalities.json_schema import FLOATS, INTEGERS, NO_SURROGATES, Schema, closed, ref
from distill.modalities.modality import OpenApi
from handler.bundle.contract import Serving
from handler.modalities.cells import FLOAT32_MAX

_EXAMPLE_COLUMNS = 8  # enough to see how a wide table's row is written
_INT64 = 2**63


def _schemas(serving: Serving) -> Schema:
    """The columns' two kinds, each where the model has it."""
    most = serving.limits.max_characters
    digits = min(most, len(str(-_INT64)))
    kinds = {column.kind for column in serving.inputs}
    made: Schema = {}
    if "number" in kinds:
        made["Number"] = {
            "type": ["number", "null"],
            "minimum": -FLOAT32_MAX,
            "maximum": FLOAT32_MAX,
            "description": "A finite number that 32-bit floating point can hold. null: missing. "
            f"{_written(serving)} One so large that the model has no answer gets 422, out-of-range.",
        }
    if "category" in kinds:
        words = ["string", "integer", "boolean", "null"]
        made["Category"] = {
            "type": words if most >= len("false") else ["string", "integer", "null"],
            "maxLength": most,
            "minimum": max(-_INT64, 1 - 10 ** (digits - 1)),  # the minus sign is a character
            "maximum": min(_INT64 - 1, 10**digits - 1),
            "description": "A word. A code may be sent as an integer, and true or false as themselves. null: missing. "
            f"A whole number written with a point or an exponent is read up to 2^53. {NO_SURROGATES}",
        }
    return made


def _written(serving: Serving) -> str:
    """What is said of numbers as strings, and of the units of numbers."""
    if not any(column.notation for column in serving.inputs if column.kind == "number"):
        return "A number as a string is refused."
    units = [f"{column.name} in {column.unit}" for column in serving.inputs if column.unit]
    said = "A string is read as the training data wrote the column's numbers, and refused where it is none."
    return f"{said} Units are those of the training data: {', '.join(units)}." if units else said


def _input(serving: Serving) -> Schema:
    columns: Schema = {column.name: ref(column.kind.capitalize()) for column in serving.inputs}
    return closed(
        columns,
        optional=list(columns),
        minProperties=1,
        description="A row by column. A column left out is missing, as one that is null. Names are compared in "
        "Unicode's composed form (NFC), in which they stand here.",
        examples=[row] if (row := _example(serving)) else [],
    )


def _example(serving: Serving) -> Schema:
    # A column called "$ref" would read as a reference to tools that resolve them everywhere.
    shown = [column for column in serving.inputs if not column.name.startswith("$")][:_EXAMPLE_COLUMNS]
    return {column.name: 1.5 if column.kind == "number" else "a" for column in shown}


def _part(serving: Serving) -> tuple[Schema, str]:
    return {"column": {"enum": [column.name for column in serving.inputs]}}, "a column that was sent and not null"


OPENAPI = OpenApi(
    schemas=_schemas,
    tensors={
        "number": {
            "": (FLOATS, {"type": ["number", "null"]}),
            "OfIntegers": (INTEGERS, {"type": ["integer", "null"]}),
        },
        "category": {
            "": (("BYTES",), {"type": ["string", "null"]}),
            "OfIntegers": (INTEGERS, {"type": ["integer", "null"]}),
            "OfFloats": (FLOATS, {"type": ["integer", "null"]}),
            "OfBooleans": (("BOOL",), {"type": ["boolean", "null"]}),
        },
    },
    input=_input,
    example=_example,
    columns=lambda serving, row: row,
    part=_part,
    explained="columns sent, of all inputs together,",
    predict_problems={422: ("unknown-column", "no-columns", "repeated-column")},
    infer_problems={422: ("out-of-range",)},
)
