"""Pictures that are near copies of each other: saved again, resized, made lighter, or mirrored.

Each picture is seen at 16x16, as its difference from the mean of each channel, at length 1. The distance of two is one
less their correlation. A copy is nearer than `_MOST`, and where pictures are much alike, as on one background, nearer
by far than neighbours are. On 3,781 photographs of clothes the copies saved as JPEG at 30 are within 0.006, those of
half the size within 0.003, and no two photographs of different things within 0.014.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from distill import cache
from distill.data.encoded import sha256_of
from distill.modalities.image import survey
from distill.modalities.modality import Columns

_MOST = 0.01
_NEIGHBOUR, _NEARER = 20, 25  # so many times nearer than the 20th neighbour of a usual picture: copies may be a few
_ASKED = 300  # pictures whose neighbours are looked at
_LIGHTER = 40.0  # root mean square of the difference, in levels of 255: beyond it two shades are two things
_FLAT = 3.0  # standard deviation in levels: a picture of one colour is like all of that colour
_COMPONENTS, _FOR_COMPONENTS = 64, 5000
_CELLS = 1 << 24  # of a block of distances
_PAIRS_AT_A_TIME = 100_000

_Floats = np.typing.NDArray[np.float32]
_Pairs = np.typing.NDArray[np.int64]  # [M,2]


def pairs(columns: Columns) -> tuple[_Pairs, ...]:
    """Pairs of rows [M,2]: copies, then mirrored copies as well."""
    cells = columns["pixels"].tolist()
    name = cache.key("near copies of pictures", [sha256_of(cell) for cell in cells], cache.code(__name__))
    path = cache.root() / "pictures" / f"{name}.npz"
    found = cache.stored(path, _read)
    if found is None:
        found = of_thumbnails(survey.of(cells).thumbnails)
        with cache.replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, *found)
    return found


def _read(path: Path) -> tuple[_Pairs, ...]:
    with np.load(path, allow_pickle=False) as arrays:
        return tuple(arrays[name] for name in sorted(arrays.files))


def of_thumbnails(thumbnails: np.typing.NDArray[np.uint8]) -> tuple[_Pairs, ...]:
    """As `pairs`, of pictures uint8 [N,16,16,3]."""
    if len(thumbnails) < 2:
        return np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)
    seen = _looks(thumbnails)
    limit = min(_MOST, _usual_distance(seen) / _NEARER)
    axes = _axes(seen)
    found = []
    for shown in (thumbnails, thumbnails[:, :, ::-1]):
        others = _looks(shown)
        kept = [np.zeros((0, 2), np.int64)]
        for likely in _likely(seen @ axes, others @ axes, limit):
            for part in np.array_split(likely, 1 + len(likely) // _PAIRS_AT_A_TIME):
                one, other = part.T
                near = 1 - np.einsum("ij,ij->i", seen[one], others[other]) <= limit
                difference = thumbnails[one[near]].astype(np.float32) - shown[other[near]]
                same = np.sqrt((difference**2).mean(axis=(1, 2, 3))) <= _LIGHTER
                kept.append(part[near][same])
        found.append(np.concatenate(kept))
    return tuple(found)


def _looks(thumbnails: np.typing.NDArray[np.uint8]) -> _Floats:
    """Pictures [N,768] less the mean of each channel, at length 1; those of one colour are not near anything."""
    levels = thumbnails.astype(np.float32)
    levels -= levels.mean(axis=(1, 2), keepdims=True)
    flat = levels.reshape(len(levels), -1)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    flat /= np.maximum(lengths, 1e-6)
    flat[lengths[:, 0] <= _FLAT * np.sqrt(flat.shape[1])] = 0
    return flat


def _usual_distance(seen: _Floats) -> float:
    """The distance of a usual picture from its 20th neighbour; in a small set, from a tenth of the others."""
    asked = seen[:: max(1, len(seen) // _ASKED)]
    place = max(1, min(_NEIGHBOUR, len(seen) // 10))
    return float(np.median(np.partition(1 - asked @ seen.T, place, axis=1)[:, place]))


def _axes(seen: _Floats) -> _Floats:
    """The directions [768,64] in which pictures differ most: two are as near there as they are, or nearer."""
    some = seen[:: max(1, len(seen) // _FOR_COMPONENTS)]
    axes: _Floats = np.linalg.eigh(some.T @ some)[1][:, -_COMPONENTS:].astype(np.float32)
    return axes


def _likely(seen: _Floats, others: _Floats, limit: float) -> list[_Pairs]:
    """Pairs (a row of `seen`, a later one of `others`) that are as near as `limit` in the few directions."""
    short = [(part**2).sum(axis=1, keepdims=True) / 2 for part in (seen, others)]
    one = np.concatenate([seen, -short[0], -np.ones_like(short[0])], axis=1)
    other = np.concatenate([others, np.ones_like(short[1]), short[1]], axis=1)
    is_flat = short[0][:, 0] == 0
    found, block = [], max(1, _CELLS // len(one))
    for begin in range(0, len(one), block):
        less = one[begin : begin + block] @ other[begin:].T  # half the squared distance, below 0
        rows, columns = np.nonzero(less >= -limit - 1e-5)
        later = (columns > rows) & ~is_flat[rows + begin] & ~is_flat[columns + begin]
        found.append(np.stack([rows[later], columns[later]], axis=1).astype(np.int64) + begin)
    return found
