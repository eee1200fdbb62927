"""Building blocks of the JSON Schemas in an OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from handler.modalities.cells import MAX_MARKS

Schema: TypeAlias = dict[str, Any]
INTEGERS = tuple(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
TENSOR_PARAMETERS: Schema = {"type": ["object", "null"], "properties": {"binary_data_size": {"type": "null"}}}
FLOATS = ("FP16", "FP32", "FP64")
NO_SURROGATES = (
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


def shape(most: int, *, least_sizes: int, most_sizes: int) -> Schema:
    """A tensor's shape, each size 1 to `most`. No `prefixItems`, which many tools do not read."""
    size = {"type": "integer", "minimum": 1, "maximum": most}
    return {"type": "array", "items": size, "minItems": least_sizes, "maxItems": most_sizes}
