"""What an OpenAPI document says of texts."""

from __future__ import annotations

from distill.modalities.json_schema import NO_SURROGATES, Schema, ref
from distill.modalities.modality import OpenApi
from handler.bundle.contract import Serving

_EXAMPLE = "A few words."


def _schemas(serving: Serving) -> Schema:
    return {
        "Text": {
            "type": "string",
            "maxLength": serving.limits.max_characters,
            "description": f"Any text, an empty one included; its characters are code points. {NO_SURROGATES}",
        }
    }


def _example(serving: Serving) -> str:
    return _EXAMPLE[: serving.limits.max_characters]


def _part(serving: Serving) -> tuple[Schema, str]:
    place = {"type": "integer", "minimum": 0, "maximum": serving.limits.max_characters}
    return {"start": place, "end": place}, "a run of the text's code points, from start to before end"


OPENAPI = OpenApi(
    schemas=_schemas,
    tensors={"text": {"": (("BYTES",), {"type": "string"})}},
    input=lambda serving: ref("Text") | {"examples": [_example(serving)]},
    example=_example,
    columns=lambda serving, text: {serving.inputs[0].name: text},
    part=_part,
    explained="inputs",
    predict_problems={},
    infer_problems={},
)
