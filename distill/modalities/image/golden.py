"""Golden pictures: drawn by this program, never a user's."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image, ImageDraw

from distill.data.rows import Rows
from handler.bundle.contract import Input, Limits

_SIDE = 48
_SHADES = ((200, 60, 40), (40, 160, 90), (50, 80, 200))


def inputs(columns: tuple[Input, ...], train: Rows, limits: Limits) -> list[str]:
    """Pictures in base64: shapes, gradients, noise, one colour; long, tiny, grey, transparent, and a JPEG."""
    random = np.random.default_rng(0)
    made = [_file(_shape(kind, shade)) for kind, shade in zip(("disc", "box", "star"), _SHADES, strict=True)]
    made += [_file(_gradient(*size)) for size in ((_SIDE, _SIDE), (20, 64), (64, 20), (1, 1), (3, 40))]
    made += [_file(Image.new("RGB", (16, 16), colour)) for colour in ("black", "white", "#7f7f7f")]
    made.append(_file(Image.fromarray(random.integers(0, 256, (24, 24, 3), dtype=np.uint8))))
    made.append(_file(_shape("disc", _SHADES[0]).convert("L")))
    clear = _shape("star", _SHADES[1]).convert("RGBA")
    clear.putalpha(_gradient(_SIDE, _SIDE).convert("L"))
    made.append(_file(clear))
    made.append(_file(_shape("box", _SHADES[2]), "JPEG"))
    fitting = [item for item in made if len(item) + 64 <= limits.max_body_bytes]
    return fitting or made[6:7]


def _shape(kind: str, shade: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGB", (_SIDE, _SIDE), (235, 230, 220))
    draw = ImageDraw.Draw(picture)
    box = (8, 8, _SIDE - 9, _SIDE - 9)
    if kind == "disc":
        draw.ellipse(box, fill=shade)
    elif kind == "box":
        draw.rectangle(box, fill=shade)
    else:
        draw.polygon(
            [(24, 4), (30, 18), (44, 20), (33, 29), (36, 44), (24, 36), (12, 44), (15, 29), (4, 20), (18, 18)], shade
        )
    return picture


def _gradient(width: int, height: int) -> Image.Image:
    across = np.linspace(0, 255, width).astype(np.uint8)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height).astype(np.uint8)[:, None].repeat(width, axis=1)
    return Image.fromarray(np.stack([across, down, 255 - across], axis=2))


def _file(picture: Image.Image, kind: str = "PNG") -> str:
    file = io.BytesIO()
    picture.save(file, kind)
    return base64.b64encode(file.getvalue()).decode()
