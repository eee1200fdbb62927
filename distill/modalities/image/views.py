"""Varied views of a picture, as another photograph of the same thing would show it.

Each kind can be forbidden, for what it would change is sometimes the label: a mirrored "b" is a "d", an arrow that is
turned points elsewhere, and the colour of a traffic light is all there is to it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageEnhance

KINDS = ("mirror", "crop", "colour", "turn", "erase")
_SMALLEST_SHARE = 0.55  # of the area that a crop keeps
_LONGEST = math.log(4 / 3)  # of a crop's sides, one to the other
_SHIFT = 0.1  # of a small picture's side, where a crop would leave too little
_SMALL = 64  # pixels of the longer side
_DEGREES = 15.0
_STRENGTH = 0.4  # of brightness, contrast and saturation
_ERASED = (0.02, 0.2)  # share of the area
_OFTEN = MappingProxyType({"mirror": 0.5, "crop": 0.9, "colour": 0.7, "turn": 0.4, "erase": 0.25})
_LARGEST = 288  # pixels of the shorter side of a view: more than any student reads
_QUALITY = 92  # of its JPEG

Pixels = np.typing.NDArray[np.uint8]  # [H,W,3]


def view(pixels: Pixels, random: np.random.Generator, forbidden: Collection[str] = ()) -> Pixels:
    """One varied view of a picture [H,W,3], smaller than it or as large."""
    picture = reduced(Image.fromarray(pixels))
    for kind in ("turn", "crop", "mirror", "colour", "erase"):
        if random.random() < _OFTEN[kind] and kind not in forbidden:
            picture = _CHANGES[kind](picture, random)
    return np.asarray(picture)


def reduced(picture: Image.Image) -> Image.Image:
    """The picture, or where it is large a smaller one, whose shorter side has as many pixels as a view may have."""
    shorter = min(picture.size)
    if shorter <= _LARGEST:
        return picture
    width, height = (max(1, round(side * _LARGEST / shorter)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BILINEAR)


def encoded(pixels: Pixels) -> bytes:
    """The picture as a file: JPEG, or where it is small PNG, of which nothing is lost."""
    file = io.BytesIO()
    picture = Image.fromarray(pixels)
    if max(picture.size) <= _SMALL:
        picture.save(file, "PNG", compress_level=1)
    else:
        picture.save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return file.getvalue()


def _mirror(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _crop(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """A part of it; of a small picture all of it, shifted, as its edge has nothing to spare."""
    width, height = picture.size
    if max(width, height) <= _SMALL:
        right, down = (
            int(random.integers(-round(_SHIFT * side), round(_SHIFT * side) + 1)) for side in (width, height)
        )
        padded = np.pad(np.asarray(picture), ((abs(down), abs(down)), (abs(right), abs(right)), (0, 0)), mode="edge")
        top, left = abs(down) - down, abs(right) - right
        return Image.fromarray(padded[top : top + height, left : left + width])
    share = random.uniform(_SMALLEST_SHARE, 1.0)
    aspect = math.exp(random.uniform(-_LONGEST, _LONGEST) / 2)
    part = math.sqrt(share)
    new_width = min(width, max(1, round(width * part * aspect)))
    new_height = min(height, max(1, round(height * part / aspect)))
    left, top = int(random.integers(width - new_width + 1)), int(random.integers(height - new_height + 1))
    return picture.crop((left, top, left + new_width, top + new_height))


def _turn(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """A few degrees; the corners that come up take the mean colour of the border."""
    pixels = np.asarray(picture)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    fill = tuple(int(level) for level in border.mean(axis=0))
    return picture.rotate(float(random.uniform(-_DEGREES, _DEGREES)), Image.Resampling.BILINEAR, fillcolor=fill)


def _colour(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = change(picture).enhance(float(random.uniform(1 - _STRENGTH, 1 + _STRENGTH)))
    return picture


def _erase(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """A rectangle of one colour over it."""
    pixels = np.array(picture)
    height, width = pixels.shape[:2]
    share, aspect = random.uniform(*_ERASED), math.exp(random.uniform(-0.7, 0.7))
    tall = min(height, max(1, round(height * math.sqrt(share * aspect))))
    wide = min(width, max(1, round(width * math.sqrt(share / aspect))))
    top, left = int(random.integers(height - tall + 1)), int(random.integers(width - wide + 1))
    pixels[top : top + tall, left : left + wide] = random.integers(0, 256, size=3)
    return Image.fromarray(pixels)


_CHANGES: Mapping[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = MappingProxyType(
    {"mirror": _mirror, "crop": _crop, "colour": _colour, "turn": _turn, "erase": _erase}
)
