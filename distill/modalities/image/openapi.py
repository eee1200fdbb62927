"""What an OpenAPI document says of pictures."""

from __future__ import annotations

from distill.modalities.json_schema import Schema, ref
from distill.modalities.modality import OpenApi
from handler.bundle.contract import Serving
from handler.modalities.image import GRID

# A red pixel, as PNG.
EXAMPLE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"


def _schemas(serving: Serving) -> Schema:
    return {
        "Image": {
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": "image/*",
            "description": "A picture's file in base64: JPEG, PNG, WebP, AVIF, GIF (its first frame), BMP or TIFF, of "
            f"at most {serving.limits.max_pixels:,} pixels.",
        }
    }


def _part(serving: Serving) -> tuple[Schema, str]:
    place = {"type": "integer", "minimum": 0, "maximum": GRID - 1}
    return {"row": place, "column": place}, f"a square of a grid of {GRID} x {GRID} over the picture"


OPENAPI = OpenApi(
    schemas=_schemas,
    tensors={"image": {"": (("BYTES",), {"type": "string", "contentEncoding": "base64"})}},
    input=lambda serving: ref("Image") | {"examples": [EXAMPLE]},
    example=lambda serving: EXAMPLE,
    columns=lambda serving, picture: {serving.inputs[0].name: picture},
    part=_part,
    explained="copies of the picture with a square masked",
    predict_problems={},
    infer_problems={},
)
