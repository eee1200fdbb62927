"""What an OpenAPI document says of pictures."""

from __future__ import annotations

from distill.modalities.json_schema import TENSOR_PARAMETERS, Schema, closed, ref, shape
from distill.modalities.modality import OpenApi
from handler.bundle.contract import Serving
from handler.modalities import pictures
from handler.modalities.image import GRID, NOT_BASE64

# A red pixel, as PNG.
EXAMPLE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
_PROBLEMS = {
    413: (pictures.TOO_LARGE,),
    415: (pictures.UNSUPPORTED,),
    422: (pictures.BROKEN, NOT_BASE64),
}


def _schemas(serving: Serving) -> Schema:
    return {
        "Image": {
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": "image/*",
            "description": "A picture's file in base64, or a data URL of it: JPEG, PNG, WebP, AVIF, GIF (its first "
            "frame), BMP or TIFF. No schema can say it: what is not base64 is refused (422, not-base64), and so are a "
            "file of another kind (415, unsupported-picture), a broken one (422, broken-picture), and pictures of over "
            f"{serving.limits.max_pixels:,} pixels together (413, too-many-pixels).",
        }
    }


def _part(serving: Serving) -> tuple[Schema, str]:
    place = {"type": "integer", "minimum": 0, "maximum": GRID - 1}
    where = f"a square of a grid of {GRID} x {GRID} over the part of the picture that the model sees, upright"
    return {"row": place, "column": place}, f"{where}, counted from the top left"


def _whole_tensors(serving: Serving) -> Schema:
    """Pixels that the caller has decoded already."""
    level = {"type": "integer", "minimum": 0, "maximum": 255}
    tensor = closed(
        {
            "name": {"enum": [column.name for column in serving.inputs]},
            "shape": shape(serving.limits.max_pixels, least_sizes=4, most_sizes=4) | {"description": "[N, H, W, 3]."},
            "datatype": {"const": "UINT8"},
            "parameters": TENSOR_PARAMETERS,
            "data": {
                "type": "array",
                "items": level,
                "minItems": 3,
                "description": "Red, green and blue of the pixels, row by row: flat, or nested as the shape says.",
            },
        },
        optional=("parameters",),
    )
    return {"ImageTensorPixels": tensor}


OPENAPI = OpenApi(
    schemas=_schemas,
    tensors={"image": {"": (("BYTES",), {"type": "string", "contentEncoding": "base64"})}},
    input=lambda serving: ref("Image") | {"examples": [EXAMPLE]},
    example=lambda serving: EXAMPLE,
    columns=lambda serving, picture: {serving.inputs[0].name: picture},
    part=_part,
    explained="copies of the picture with a square masked",
    predict_problems=_PROBLEMS,
    infer_problems=_PROBLEMS,
    whole_tensors=_whole_tensors,
)
