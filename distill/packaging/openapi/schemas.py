"""JSON Schemas of what one model may be sent, for its OpenAPI document.

They say what `inputs`, `predict` and `inference` check, as far as a schema can, and in words where it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from handler.bundle.contract import Input, Serving
from handler.modalities.cells import FLOAT32_MAX, MAX_MARKS

Schema = dict[str, Any]
MAX_ID_CHARACTERS = 256

_EXAMPLE_TEXT = "A few words."
_EXAMPLE_COLUMNS = 8  # enough to see how a wide table's row is written
_INT64 = 2**63
_INTEGERS = tuple(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
_FLOATS = ("FP16", "FP32", "FP64")
# By kind of column, the datatypes that a tensor of it may have, and the JSON that each takes.
_FAMILIES: Mapping[str, Mapping[str, tuple[tuple[str, ...], Schema]]] = MappingProxyType(
    {
        "text": {"": (("BYTES",), {"type": "string"})},
        "number": {
            "": (_FLOATS, {"type": ["number", "null"]}),
            "OfIntegers": (_INTEGERS, {"type": ["integer", "null"]}),
        },
        "category": {
            "": (("BYTES",), {"type": ["string", "null"]}),
            "OfIntegers": (_INTEGERS, {"type": ["integer", "null"]}),
            "OfFloats": (_FLOATS, {"type": ["integer", "null"]}),
            "OfBooleans": (("BOOL",), {"type": ["boolean", "null"]}),
        },
    }
)
_PARAMETERS: Schema = {"type": ["object", "null"], "description": "Those that this server does not know are ignored."}
_OUTPUT_PARAMETERS: Schema = {"type": ["object", "null"], "not": {"required": ["classification"]}}
_TENSOR_PARAMETERS: Schema = {"type": ["object", "null"], "properties": {"binary_data_size": {"type": "null"}}}
_NO_SURROGATES = (
    "No schema can say it: half of a surrogate pair is refused (422, not-unicode), and so are over "
    f"{MAX_MARKS} combining marks in a row (422, too-many-marks)."
)


def closed(properties: Schema, optional: Sequence[str] = (), **more: Any) -> Schema:  # noqa: ANN401 - JSON
    """An object of exactly these properties."""
    required = [name for name in properties if name not in optional]
    made: Schema = {"type": "object", "properties": properties}
    if required:
        made["required"] = required
    return made | {"additionalProperties": False} | more


def ref(name: str) -> Schema:
    """A reference to one of the document's schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def requests(serving: Serving) -> Schema:
    """What may be sent: `Input`, `PredictRequest`, `InferRequest` and their parts, by name."""
    made = {"Text": _text(serving)} if serving.task == "text" else _cells(serving)
    return made | {"Input": _input(serving), "PredictRequest": _predict_request(serving)} | _tensors(serving)


def example_input(serving: Serving) -> Any:  # noqa: ANN401 - a text, or a row
    """An input that any model of this kind answers."""
    if serving.task == "text":
        return _EXAMPLE_TEXT[: serving.limits.max_characters]
    # A column called "$ref" would read as a reference to tools that resolve them everywhere.
    shown = [column for column in serving.inputs if not column.name.startswith("$")][:_EXAMPLE_COLUMNS]
    return {column.name: 1.5 if column.kind == "number" else "a" for column in shown}


def example_tensors(serving: Serving) -> list[Schema]:
    """The tensors of an inference request with one input."""
    row = example_input(serving)
    cells = {serving.inputs[0].name: row} if serving.task == "text" else row
    return [
        {"name": column.name, "shape": [1], "datatype": datatype(column), "data": [cells[column.name]]}
        for column in serving.inputs
        if column.name in cells
    ]


def datatype(column: Input) -> str:
    """What the Open Inference Protocol calls the type of a column."""
    return "BYTES" if column.dtype == "string" else "FP32"


def _text(serving: Serving) -> Schema:
    return {
        "type": "string",
        "maxLength": serving.limits.max_characters,
        "description": f"Any text, an empty one included; its characters are code points. {_NO_SURROGATES}",
    }


def _cells(serving: Serving) -> Schema:
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
            "description": "A finite number that 32-bit floating point can hold. null: missing. A number as a string "
            "is refused. One so large that the model has no answer gets 422, out-of-range.",
        }
    if "category" in kinds:
        words = ["string", "integer", "boolean", "null"]
        made["Category"] = {
            "type": words if most >= len("false") else ["string", "integer", "null"],
            "maxLength": most,
            "minimum": max(-_INT64, 1 - 10 ** (digits - 1)),  # the minus sign is a character
            "maximum": min(_INT64 - 1, 10**digits - 1),
            "description": "A word. A code may be sent as an integer, and true or false as themselves. null: missing. "
            f"A whole number written with a point or an exponent is read up to 2^53. {_NO_SURROGATES}",
        }
    return made


def _input(serving: Serving) -> Schema:
    if serving.task == "text":
        return ref("Text") | {"examples": [example_input(serving)]}
    columns: Schema = {column.name: ref(column.kind.capitalize()) for column in serving.inputs}
    return closed(
        columns,
        optional=list(columns),
        minProperties=1,
        description="A row by column. A column left out is missing, as one that is null. Names are compared in "
        "Unicode's composed form (NFC), in which they stand here.",
        examples=[row] if (row := example_input(serving)) else [],
    )


def many(item: Schema, serving: Serving) -> Schema:
    """An array of as many items as a request may have inputs."""
    return {"type": "array", "items": item, "minItems": 1, "maxItems": serving.limits.max_inputs}


def _predict_request(serving: Serving) -> Schema:
    return closed(
        {
            "inputs": {"anyOf": [ref("Input"), many(ref("Input"), serving)], "description": "One input, or many."},
            "abstain_below": {
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "description": "Abstain where the best probability is under this, instead of under the model's own "
                f"threshold of {serving.thresholds.abstain_below:g}.",
            },
            "top_k": {
                "type": "integer",
                "minimum": 1,
                "description": "How many labels to give scores of, best first. All where it is over their number.",
            },
            "explain": {
                "type": "boolean",
                "description": "Whether to say how much each part of an input contributed: 413, too-costly, where the "
                + ("inputs" if serving.task == "text" else "columns sent, of all inputs together,")
                + f" are over {serving.limits.max_explained:,}.",
            },
        },
        optional=("abstain_below", "top_k", "explain"),
    )


def _tensors(serving: Serving) -> Schema:
    """The inference request of the Open Inference Protocol: one tensor a column, told apart by name and datatype."""
    made: Schema = {}
    for kind, families in _FAMILIES.items():
        names = [column.name for column in serving.inputs if column.kind == kind]
        for family, (datatypes, more) in families.items() if names else ():
            made[f"{kind.capitalize()}Tensor{family}"] = _tensor(
                names, datatypes, _limited(kind, serving) | more, serving
            )
    tensors = [ref(name) for name in made]
    made["InferRequest"] = closed(
        {
            "id": {
                "type": ["string", "null"],
                "maxLength": MAX_ID_CHARACTERS,
                "pattern": "^[^\\u0000-\\u001f\\u007f-\\u00a0\\u00ad]*$",
                "description": "Given back with the answer. Printable characters only, of which the pattern is a part.",
            },
            "parameters": _PARAMETERS,
            "inputs": {
                "type": "array",
                "items": tensors[0] if len(tensors) == 1 else {"anyOf": tensors},
                "minItems": 1,
                "maxItems": len(serving.inputs),
                "description": "One tensor a column, in any order, each with as many values as its shape says, and all "
                "with the same number of rows: else 422, wrong-shape. A name twice gets 422, repeated-tensor. A column "
                "left out is missing in every row.",
            },
            "outputs": {
                "type": ["array", "null"],
                "items": closed(
                    {"name": {"enum": list(outputs(serving))}, "parameters": _OUTPUT_PARAMETERS}, ["parameters"]
                ),
                "maxItems": len(outputs(serving)),
                "description": "Which tensors to answer with, each once. Left out or empty: all.",
            },
        },
        optional=("id", "parameters", "outputs"),
    )
    return made


def _tensor(names: list[str], datatypes: Sequence[str], value: Schema, serving: Serving) -> Schema:
    alone = {"type": "array", "items": value, "minItems": 1, "maxItems": 1}
    return closed(
        {
            "name": {"enum": names},
            "shape": shape(serving.limits.max_inputs, least_sizes=1, most_sizes=2) | {"description": "[N] or [N, 1]."},
            "datatype": {"enum": list(datatypes)},
            "parameters": _TENSOR_PARAMETERS,
            "data": many({"anyOf": [value, alone]}, serving),
        },
        optional=("parameters",),
    )


def _limited(kind: str, serving: Serving) -> Schema:
    """A value's limits without its type."""
    if kind == "text":
        return {"maxLength": serving.limits.max_characters}
    limits = _cells(serving)[kind.capitalize()]
    return {key: limits[key] for key in ("maxLength", "minimum", "maximum") if key in limits}


def shape(most: int, *, least_sizes: int, most_sizes: int) -> Schema:
    """A tensor's shape, each size 1 to `most`. No `prefixItems`, which many tools do not read."""
    size = {"type": "integer", "minimum": 1, "maximum": most}
    return {"type": "array", "items": size, "minItems": least_sizes, "maxItems": most_sizes}


def outputs(serving: Serving) -> Mapping[str, tuple[str, int]]:
    """Datatype and values a row of each tensor that inference answers with."""
    return {
        "probabilities": ("FP32", len(serving.labels)),
        "novelty": ("FP32", 1),
        "label": ("BYTES", 1),
        "abstained": ("BOOL", 1),
    }
