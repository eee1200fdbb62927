"""Pictures: one file an input, as base64 in JSON, explained by a grid of squares.

A record is what `pictures.decode` makes of a file: uint8 [H,W,3]. Pictures of unlike sizes cannot stand in one
tensor, so a batch holds neighbours of one size, and few of them: a convolution's memory grows with each.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

import numpy as np

from handler.bundle.contract import Input, Limits, Serving
from handler.errors import RequestError
from handler.modalities import pictures
from handler.modalities.cells import wrong_type
from handler.modalities.modality import Arrays, Modality, Part, Record

NOT_BASE64 = "not-base64"  # the problem's kind
GRID = 7  # squares a side of an explanation
_BATCH = 8  # measured: 4 to 8 masked copies at once are the fastest a picture
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_DATA_URL = re.compile(r"data:[a-z0-9.+/;=-]*;base64,", re.IGNORECASE)  # RFC 2397


def _check_inputs(serving: Serving) -> str:
    if len(serving.inputs) != 1:
        return f"names {len(serving.inputs)} inputs, wanted exactly one for pictures"
    if not _COLOUR.fullmatch(serving.inputs[0].background):
        return "has a background that is no colour (#rrggbb)"
    return "" if serving.limits.max_pixels else "takes pictures, and serving.limits has no max_pixels"


def _check(value: object, serving: Serving, pointer: str) -> Record:
    return cell(value, serving.inputs[0], serving.limits, pointer)


def cell(value: object, column: Input, limits: Limits, pointer: str) -> Record:
    """A picture's pixels, uint8 [H,W,3]: of a file's bytes, or of these as base64, a data URL's too.

    Raises:
        RequestError: 413 too many pixels, 415 not a picture, 422 broken or not base64.
    """
    if not isinstance(value, (str, bytes, np.ndarray)):
        raise wrong_type("An input", "a picture's file as a base64 string", value, pointer)
    try:
        if isinstance(value, np.ndarray):
            return _pixels(value, limits)
        data = value if isinstance(value, bytes) else _from_base64(value)
        return pictures.decode(data, column.background, limits.max_pixels)
    except RequestError as error:
        raise RequestError(error.status, error.kind, error.detail, pointer) from None


def _from_base64(text: str) -> bytes:
    match = _DATA_URL.match(text)
    try:
        return base64.b64decode("".join((text[match.end() :] if match else text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(
            422,
            NOT_BASE64,
            "An input wants a picture's file as base64 (RFC 4648, 4), found a string that is none.",
        ) from None


def _pixels(value: np.typing.NDArray[np.generic], limits: Limits) -> Record:
    if value.dtype != np.uint8 or value.ndim != 3 or value.shape[2] != 3 or not value.size:
        raise RequestError(422, "wrong-shape", "A picture's pixels want the shape [H,W,3] and UINT8.")
    pictures.check_size(value.shape[1], value.shape[0], limits.max_pixels)
    return value


def _check_total(pictures_so_far: Sequence[Record], serving: Serving, pointer: str) -> None:
    """One request has the pixels of one picture: sixty-four small files may be 1.6 billion of them."""
    total = sum(pixels.shape[0] * pixels.shape[1] for pixels in pictures_so_far)
    if total > serving.limits.max_pixels:
        detail = f"The pictures of this request have over {serving.limits.max_pixels:,} pixels together."
        raise RequestError(413, pictures.TOO_LARGE, f"{detail} Send several requests.", pointer)


def _arrays(records: Sequence[Record], serving: Serving) -> Arrays:
    if not all(isinstance(record, np.ndarray) and record.ndim == 3 for record in records):
        raise TypeError("A model of pictures takes arrays of uint8 [H,W,3]. `register.check` makes them of files.")
    # One alone is not copied: a camera's takes 36 MB.
    return {serving.inputs[0].name: records[0][None] if len(records) == 1 else np.stack(list(records))}


def _batches(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    start = 0
    for end in range(1, len(records) + 1):
        is_whole = end - start == _BATCH or end == len(records)
        if is_whole or np.shape(records[end]) != np.shape(records[start]):
            yield records[start:end]
            start = end


def _parts(pixels: Record, copies: int, records: int) -> list[tuple[Part, Record]]:
    """Copies with one square of the grid in the picture's mean colour."""
    side = min(GRID, max(1, int(copies**0.5)), *pixels.shape[:2])
    rows, columns = (np.linspace(0, size, side + 1).astype(int) for size in pixels.shape[:2])
    colour = pixels.mean(axis=(0, 1)).round().astype(np.uint8)
    made: list[tuple[Part, Record]] = []
    for row in range(side):
        for column in range(side):
            without = pixels.copy()
            without[rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = colour
            made.append(({"row": row, "column": column}, without))
    return made


IMAGE = Modality(
    name="image",
    takes=frozenset({("image", "uint8")}),
    check_inputs=_check_inputs,
    check=_check,
    check_cell=cell,
    from_columns=lambda values, serving: list(values[serving.inputs[0].name]),
    arrays=_arrays,
    warm_up=np.full((1, 1, 3), 128, np.uint8),
    fewest_parts=lambda _: GRID * GRID,
    parts=_parts,
    batches=_batches,
    media_types=("image/*",),
    check_total=_check_total,
    reduced="resized",
)
