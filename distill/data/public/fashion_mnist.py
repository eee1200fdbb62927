"""fashion-mnist: 70,000 grey pictures of clothes, 28x28, in ten classes of like size.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017,
arXiv:1708.07747. It comes from Debian's package `dataset-fashion-mnist`, or from the four files that Zalando publishes.
Its own 60,000 and 10,000 are kept: the latter test, and a tenth of each class validates.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from distill import cache
from distill.data.public import png
from distill.data.public.debian import apt, deb
from distill.data.rows import Pool
from distill.data.split import TEST, TRAIN
from distill.errors import DataError, FetchError
from handler.bundle.contract import Input

PACKAGE = "dataset-fashion-mnist"
# Part -> the files of its pictures and labels. SHA-256 of what is in them, unpacked, as gzip's header holds a date.
FILES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        TRAIN: ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        TEST: ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
    }
)
SHA256: Mapping[str, str] = MappingProxyType(
    {
        "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    }
)
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_BACKGROUND = "#ffffff"
_IMAGES_HEAD, _LABELS_HEAD = 16, 8  # bytes before the values: idx3 and idx1
_SIDE = 28


def read(path: Path | None = None) -> tuple[Pool, tuple[str, ...]]:
    """All rows, as PNG files, in their own split. No notes.

    Args:
        path: Debian's package as a file, or a folder with the four files. Without one: what an earlier run kept in the
            cache, or what apt-get fetches.

    Raises:
        DataError: `path` holds something else.
        FetchError: there is no path, and apt-get cannot fetch the package.
    """
    names = [name for pair in FILES.values() for name in pair]
    packed = _of_path(path, names) if path is not None else _fetched(names)
    where = path.name if path is not None else PACKAGE
    content = {name: _unpacked(packed[name], name, where) for name in names}
    pictures, labels, parts = [], [], []
    for part, (images, classes) in FILES.items():
        pixels = np.frombuffer(content[images], np.uint8, offset=_IMAGES_HEAD).reshape(-1, _SIDE, _SIDE)
        pictures += [png.grey(picture) for picture in pixels]
        labels += [CLASSES[place] for place in content[classes][_LABELS_HEAD:]]
        parts += [part] * len(pixels)
    cells = np.empty(len(pictures), dtype=object)
    cells[:] = pictures
    pool = Pool(
        inputs=(Input("pixels", "uint8", "image", background=_BACKGROUND),),
        columns={"pixels": cells},
        labels=np.array(labels, dtype=object),
        split=np.array(parts, dtype=object),
    )
    return pool, ()


def _of_path(path: Path, names: list[str]) -> dict[str, bytes]:
    if not path.is_dir():
        return deb.files(path, names)
    lacking = [name for name in names if not (path / name).is_file()]
    if lacking:
        raise DataError(f"{path} (data.path) lacks {lacking[0]}. Wanted are the four files {', '.join(names)}.")
    return {name: (path / name).read_bytes() for name in names}


def _fetched(names: list[str]) -> dict[str, bytes]:
    """The files of the package in the cache, which apt-get fetches where it is missing."""
    path = cache.root() / "datasets" / f"{PACKAGE}.deb"
    kept = cache.stored(path, lambda it: deb.files(it, names))
    if kept is not None:
        return kept
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".apt-", dir=path.parent) as folder:
            found = apt.download(Path(folder), PACKAGE, 31)
            content = deb.files(found, names)
            with cache.replacing(path) as temporary:
                temporary.write_bytes(found.read_bytes())
    except OSError as error:
        raise FetchError(
            f"{path} cannot be written ({error.strerror}). Set LIMBECK_CACHE to a folder that can."
        ) from None
    return content


def _unpacked(content: bytes, name: str, where: str) -> bytes:
    try:
        plain = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise DataError(f"{where}: {name} is damaged or cut off. Fetch it again.") from None
    found = hashlib.sha256(plain).hexdigest()
    if found != SHA256[name]:
        raise DataError(f"{where}: {name} has sha256 {found} unpacked, wanted {SHA256[name]}. Fetch it again.")
    return plain
