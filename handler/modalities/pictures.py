"""STAND-IN until the handler's own `decode` is merged."""

from __future__ import annotations

import io

import numpy as np

from handler.errors import RequestError


def decode(data: bytes, background: str, max_pixels: int) -> np.typing.NDArray[np.uint8]:
    """Pixels [H,W,3]."""
    from PIL import Image, ImageOps

    try:
        picture = Image.open(io.BytesIO(data))
        if picture.width * picture.height > max_pixels:
            raise RequestError(413, "picture-too-large", "The picture has too many pixels.")
        picture.load()
        turned = ImageOps.exif_transpose(picture)
        return np.asarray(turned.convert("RGB"))
    except RequestError:
        raise
    except Exception:  # noqa: BLE001
        raise RequestError(400, "unreadable-picture", "The picture is damaged or of an unknown format.") from None
