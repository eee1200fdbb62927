"""Results of slow stages, kept by content hash and written by rename, so that work can be cut off and run again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

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


def stored(path: Path, load: Callable[[Path], T]) -> T | None:
    """What `load` reads from `path`; None where there is no file, or one that a full disk or a crash left torn."""
    if not path.is_file():
        return None
    try:
        return load(path)
    except Exception:  # each library that reads has errors of its own, and the work can be done again
        return None


def array(path: Path, make: Callable[[], npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """The float32 array stored at `path` (.npy), or `make()` stored there."""
    found = stored(path, lambda file: np.load(file, allow_pickle=False))
    if found is not None:
        return found
    made = make()
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, made, allow_pickle=False)
    return made


def digest(content: bytes) -> str:
    """SHA-256 of bytes, in 64 hex digits."""
    return hashlib.sha256(content).hexdigest()
