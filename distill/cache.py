"""Results of slow stages, kept by content hash and written by rename, so that work can be cut off and run again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

LATEST = "latest"  # beside the versions of a bundle: names the one sealed last


def root() -> Path:
    """`LIMBECK_CACHE`, or the user's cache folder."""
    named = os.environ.get("LIMBECK_CACHE")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limbeck"


def key(stage: str, *parts: object) -> str:
    """A 32-hex-digit name for what `parts` (JSON values) lead to; `stage` carries its own version number."""
    text = json.dumps([stage, *parts], sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling of `path` to write to; it takes `path`'s place only if the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def array(path: Path, make: Callable[[], npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """The float32 array stored at `path` (.npy), or `make()` stored there."""
    if path.is_file():
        stored: npt.NDArray[np.float32] = np.load(path, allow_pickle=False)
        return stored
    made = make()
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, made, allow_pickle=False)
    return made


def digest(content: bytes) -> str:
    """SHA-256 of bytes, in 64 hex digits."""
    return hashlib.sha256(content).hexdigest()
