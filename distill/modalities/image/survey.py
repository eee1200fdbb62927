"""A first look at pictures: which can be read, how large they are, and a thumbnail of each.

What was found is kept by the hash of the file's bytes, in 256 drawers, so that a run that was cut off goes on where it
was, and a picture that is added costs its drawer alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distill import cache
from distill.data import pixels
from distill.data.encoded import Encoded, sha256_of
from distill.progress import track
from handler.errors import RequestError

SIDE = 16  # of a thumbnail
_MAX_REASON = 160
_FOR_CALLERS = re.compile(r"Send [^.]*\.$")  # what a request should do
_DRAWER_DIGITS = 2  # of the hash
_THREADS = min(2, os.cpu_count() or 1)  # decoders let others run
_KIND = np.dtype(
    [
        ("sha256", "U64"),
        ("reason", f"U{_MAX_REASON}"),
        ("height", "i8"),
        ("width", "i8"),
        ("thumbnail", "u1", (SIDE, SIDE, 3)),
    ]
)


@dataclass(frozen=True)
class Survey:
    """N pictures. `reasons`: object [N] of str, why one cannot be read, "" where it can."""

    reasons: np.typing.NDArray[np.object_]
    heights: np.typing.NDArray[np.int64]  # [N], 0 of what cannot be read
    widths: np.typing.NDArray[np.int64]
    thumbnails: np.typing.NDArray[np.uint8]  # [N,16,16,3], black of what cannot be read


def of(cells: Sequence[Encoded]) -> Survey:
    """Look at each picture once. Raises DataError where a file was changed meanwhile."""
    import PIL

    hashes = [sha256_of(cell) for cell in cells]
    code = [cache.code(__name__), PIL.__version__]
    drawers: dict[str, dict[str, Encoded]] = {}
    for name, cell in zip(hashes, cells, strict=True):
        drawers.setdefault(name[:_DRAWER_DIGITS], {})[name] = cell
    found: dict[str, Any] = {}
    with ThreadPoolExecutor(_THREADS) as threads:
        for drawer in track(sorted(drawers), "looking at pictures"):
            for row in _drawer(drawers[drawer], code, threads):
                found[str(row["sha256"])] = row
    rows = np.array([found[name] for name in hashes], dtype=_KIND)
    return Survey(rows["reason"].astype(object), rows["height"], rows["width"], rows["thumbnail"])


def _drawer(
    cells: Mapping[str, Encoded], code: Sequence[str], threads: ThreadPoolExecutor
) -> np.typing.NDArray[np.void]:
    """What is known of these pictures, by their hashes."""
    name = cache.key("pictures", sorted(cells), *code)
    path = cache.root() / "pictures" / f"{name}.npy"
    stored = cache.stored(path, _read)
    if stored is not None:
        return stored
    rows = np.zeros(len(cells), dtype=_KIND)
    for place, row in enumerate(threads.map(lambda name: _look(cells[name]), sorted(cells))):
        rows[place] = (sorted(cells)[place], *row)
    with cache.replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, rows, allow_pickle=False)
    return rows


def _read(path: Path) -> np.typing.NDArray[np.void]:
    rows: np.typing.NDArray[np.void] = np.load(path, allow_pickle=False)
    if rows.dtype != _KIND:
        raise ValueError(rows.dtype)
    return rows


def _look(cell: Encoded) -> tuple[str, int, int, np.typing.NDArray[np.uint8]]:
    """Why it cannot be read, its height and width, its thumbnail."""
    from PIL import Image

    try:
        found = pixels.decoded(cell)
    except RequestError as error:
        reason = _FOR_CALLERS.sub("", error.detail).strip()
        return reason[:_MAX_REASON], 0, 0, np.zeros((SIDE, SIDE, 3), np.uint8)
    small = Image.fromarray(found).resize((SIDE, SIDE), Image.Resampling.BOX)
    return "", found.shape[0], found.shape[1], np.asarray(small)
