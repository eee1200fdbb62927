"""Pictures as a careless person would send them: blurred, noisy, badly compressed, too dark or too bright."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from distill import cache
from distill.data import pixels
from distill.data.rows import Rows
from distill.modalities.modality import Columns

_BLUR = 0.01  # the radius, as a share of the shorter side
_NOISE = 16.0  # levels of 255, the deviation
_QUALITY = 30  # of JPEG
_BRIGHTNESS = (0.5, 1.6)
_TILES = 8  # a side


def rows(right: Rows, share: float, seed: int) -> Rows:
    """The rows [N], each spoilt in one of four ways whatever the `share`, under keys of their own; labels stay."""
    random = np.random.default_rng(seed)
    spoilt = np.empty(len(right), dtype=object)
    for place, cell in enumerate(right.columns[pixels.COLUMN].tolist()):
        spoilt[place] = _encoded(_spoilt(Image.fromarray(pixels.of(cell)), random))
    keys = np.array([cache.digest(content) for content in spoilt.tolist()], dtype=object)
    return Rows({pixels.COLUMN: spoilt}, right.labels, keys)


def scrambled(right: Rows, random: np.random.Generator) -> Columns:
    """The pictures cut into 8 x 8 tiles that change places: each tile stays, the whole has no sense."""
    made = np.empty(len(right), dtype=object)
    for place, cell in enumerate(right.columns[pixels.COLUMN].tolist()):
        made[place] = _encoded(Image.fromarray(_shuffled(pixels.of(cell), random)))
    return {pixels.COLUMN: made}


def _spoilt(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    way = int(random.integers(4))
    if way == 0:
        return picture.filter(ImageFilter.GaussianBlur(max(0.7, _BLUR * min(picture.size))))
    if way == 1:
        noisy = np.asarray(picture) + random.normal(0, _NOISE, (picture.height, picture.width, 3))
        return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    if way == 2:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=_QUALITY)
        return Image.open(file).convert("RGB")
    return ImageEnhance.Brightness(picture).enhance(_BRIGHTNESS[int(random.integers(2))])


def _shuffled(picture: pixels.Pixels, random: np.random.Generator) -> pixels.Pixels:
    """Rows and columns that do not fill a tile are left out."""
    tiles = min(_TILES, *picture.shape[:2])
    height, width = picture.shape[0] // tiles, picture.shape[1] // tiles
    cut = picture[: tiles * height, : tiles * width].reshape(tiles, height, tiles, width, 3).swapaxes(1, 2)
    mixed = cut.reshape(tiles * tiles, height, width, 3)[random.permutation(tiles * tiles)]
    whole = mixed.reshape(tiles, tiles, height, width, 3).swapaxes(1, 2)
    return np.ascontiguousarray(whole.reshape(tiles * height, tiles * width, 3))


def _encoded(picture: Image.Image) -> bytes:
    return pixels.png(np.asarray(picture))
