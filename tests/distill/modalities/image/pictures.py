"""Made-up pictures: a disc, a box or bars on a bright, uneven ground."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from distill import cache
from distill.data.pixels import COLUMN, Pixels
from distill.data.rows import Rows

KINDS = ("bars", "box", "disc")


def shape(kind: str, random: np.random.Generator) -> Image.Image:
    width, height = random.integers(48, 100, 2).tolist()
    picture = Image.fromarray(random.normal(200, 12, (height, width, 3)).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    side = int(random.integers(24, min(width, height) - 8))
    left, top = int(random.integers(0, width - side)), int(random.integers(0, height - side))
    colour = tuple(random.integers(0, 140, 3).tolist())
    if kind == "disc":
        draw.ellipse((left, top, left + side, top + side), fill=colour)
    elif kind == "box":
        draw.rectangle((left, top, left + side, top + side), fill=colour)
    else:
        for place in range(0, side, 6):
            draw.line((left + place, top, left + place, top + side), fill=colour, width=2)
    return picture


def shapes(count: int, seed: int = 0) -> Rows:
    """`count` rows of the three kinds in turn."""
    random = np.random.default_rng(seed)
    made = of_arrays([np.asarray(shape(KINDS[place % 3], random)) for place in range(count)])
    return Rows(made.columns, np.arange(count) % 3, made.keys)


def of_arrays(pictures: Sequence[Pixels]) -> Rows:
    """Rows of pictures [H,W,3], all of the first class."""
    cells = np.empty(len(pictures), dtype=object)
    for place, picture in enumerate(pictures):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        cells[place] = file.getvalue()
    keys = np.array([cache.digest(cell)[:32] for cell in cells.tolist()], dtype=object)
    return Rows({COLUMN: cells}, np.zeros(len(pictures), np.int64), keys)


def folder(root: Path, each: int, seed: int = 0) -> Path:
    """A folder with a sub-folder a kind, JPEG and PNG in turn."""
    random = np.random.default_rng(seed)
    for kind in KINDS:
        (root / kind).mkdir(parents=True)
        for place in range(each):
            shape(kind, random).save(root / kind / f"{place}.{'jpg' if place % 2 else 'png'}")
    return root
