"""More pictures for the transfer set: views of the training pictures, as other photographs of the same would show them.

A view is a picture file like any other, so that the teacher and the student read it as they read what a caller sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from distill import cache
from distill.data import encoded, pixels
from distill.data.keys import copy_key
from distill.data.rows import UNLABELLED, Rows
from distill.modalities.image import views
from distill.progress import track
from distill.recipe.schema import Transfer
from distill.teachers.teacher import Teacher

_TRIES = 3  # before a row that gives nothing new is passed over


def copies(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, public: Sequence[str], seed: int
) -> Rows:
    """`config.augment` views a row, unlabelled, on disk by content hash, without the kinds that `config` forbids.

    The first digits of a view's key are its row's. A view that equals a picture of `train` or `apart`, or another view,
    is left out.
    """
    parts = [rows.keys.tolist() for rows in (train, *apart)]
    code = cache.code(__name__, views.__name__)
    key = cache.key("views", code, config.augment, sorted(config.forbid), cache.key("rows", *parts), seed)
    folder = cache.root() / "transfer"
    index, content = folder / f"{key}.npz", folder / f"{key}.pictures"
    found = cache.stored(index, _read) if content.is_file() else None
    if found is None:
        with cache.replacing(content) as temporary:
            found = _made(train, apart, config, seed, temporary)
        with cache.replacing(index) as temporary, temporary.open("wb") as file:
            np.savez(file, sources=found[0], lengths=found[1], hashes=np.array(found[2], dtype="U64"))
    sources, lengths, hashes = found
    ends = np.cumsum(lengths)
    cells = np.empty(len(lengths), dtype=object)
    for place, (end, length, digest) in enumerate(zip(ends.tolist(), lengths.tolist(), hashes, strict=True)):
        cells[place] = encoded.Stored(content, digest, length, end - length)
    keys = [copy_key(str(train.keys[source]), digest) for source, digest in zip(sources.tolist(), hashes, strict=True)]
    return Rows({pixels.COLUMN: cells}, np.full(len(cells), UNLABELLED, dtype=np.int64), np.array(keys, dtype=object))


_Made = tuple[np.typing.NDArray[np.int64], np.typing.NDArray[np.int64], list[str]]  # sources, lengths, hashes


def _made(train: Rows, apart: Sequence[Rows], config: Transfer, seed: int, path: Path) -> _Made:
    taken = {cache.digest(picture.tobytes()) for rows in apart for picture in _pictures(rows)}
    sources, lengths, hashes = [], [], []
    random = np.random.default_rng(seed)
    with path.open("wb") as file:
        for source, picture in enumerate(track(list(range(len(train))), "views")):
            own = pixels.of(train.columns[pixels.COLUMN][picture])
            taken.add(cache.digest(np.asarray(own).tobytes()))
            for _ in range(config.augment or 0):
                for _ in range(_TRIES):
                    view = views.view(own, random, config.forbid)
                    digest = cache.digest(view.tobytes())
                    if digest not in taken:
                        taken.add(digest)
                        content = views.encoded(view)
                        file.write(content)
                        sources.append(source)
                        lengths.append(len(content))
                        hashes.append(cache.digest(content))
                        break
    return np.array(sources, np.int64), np.array(lengths, np.int64), hashes


def _pictures(rows: Rows) -> Iterator[pixels.Pixels]:
    for cell in rows.columns[pixels.COLUMN].tolist():
        yield pixels.of(cell)


def _read(file: Path) -> _Made:
    with np.load(file, allow_pickle=False) as stored:
        return stored["sources"], stored["lengths"], stored["hashes"].tolist()
