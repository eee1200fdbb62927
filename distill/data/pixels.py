"""A cell of a column of pictures as its pixels, by the decoding that serves; all of them at one size on disk."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from distill import cache
from distill.data import encoded
from distill.data.rows import Rows
from distill.errors import DataError
from distill.progress import track
from handler.errors import RequestError
from handler.modalities import pictures

COLUMN = "pixels"  # of rows of pictures, and the graph's input, uint8 [N,H,W,3]
WHITE = pictures.WHITE
_MAX_PIXELS = 100_000_000  # of a training picture
_WORTH_A_BAR = 200
_TOGETHER = 4  # pictures of one size that are answered at once

Pixels = np.typing.NDArray[np.uint8]  # [H,W,3]
Columns = Mapping[str, np.typing.NDArray[np.generic]]


def decoded(cell: encoded.Encoded, background: str = WHITE) -> Pixels:
    """The pixels [H,W,3] of a cell. `background`: the colour that shows where it is transparent.

    Raises:
        RequestError: it is no picture that can be read.
        DataError: its file was changed while Limbeck ran.
    """
    return pictures.decode(encoded.content(cell), background, _MAX_PIXELS)


def of(cell: encoded.Encoded) -> Pixels:
    """The pixels [H,W,3] of a cell of rows that were read: nothing in them is transparent, and all are pictures.

    Raises:
        DataError: its file was changed while Limbeck ran.
    """
    try:
        return decoded(cell)
    except RequestError as error:
        raise DataError(f"A picture cannot be read. {error.detail}") from None


def png(picture: Pixels) -> bytes:
    """A picture [H,W,3] as a file of which nothing is lost."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=1)
    return file.getvalue()


def feeds(columns: Columns, most: int | None = None) -> Iterator[tuple[np.typing.NDArray[np.int64], Columns]]:
    """Places and tensors [n,H,W,3] of neighbours of one size, at most `most`: unlike sizes cannot share a tensor."""
    held: list[Pixels] = []
    start = 0
    for place, cell in enumerate(columns[COLUMN].tolist()):
        picture = of(cell)
        if held and (len(held) == (most or _TOGETHER) or held[0].shape != picture.shape):
            yield np.arange(start, place), {COLUMN: np.stack(held)}
            held, start = [], place
        held.append(picture)
    if held:
        yield np.arange(start, start + len(held)), {COLUMN: np.stack(held)}


def squares(rows: Rows, size: int, made_by: str, square: Callable[[Pixels], Pixels]) -> Pixels:
    """Pictures [N,size,size,3] as `square` makes them of each, on disk by content. `made_by`: a hash of what that does.

    They are read from disk as they are wanted, so that fifty thousand need no memory.
    """
    keys = cache.digest("".join(rows.keys.tolist()).encode())
    path = cache.root() / "pictures" / f"{cache.key('squares', cache.code(__name__), keys, size, made_by)}.npy"

    def load() -> Pixels | None:
        return cache.stored(path, lambda file: np.load(file, mmap_mode="r", allow_pickle=False))

    found = load()
    if found is None:
        with cache.replacing(path) as temporary:
            shape = (len(rows), size, size, 3)
            made = np.lib.format.open_memmap(str(temporary), mode="w+", dtype=np.uint8, shape=shape)
            cells = rows.columns[COLUMN].tolist()
            for place, cell in enumerate(track(cells, "pictures") if len(cells) >= _WORTH_A_BAR else cells):
                made[place] = square(of(cell))
            made.flush()
        found = load()
    if found is None:
        raise DataError(f"{path.parent} cannot hold the resized pictures. Make room, or set LIMBECK_CACHE.")
    return found
