"""A cell that holds a file's bytes, such as a picture: in memory, or on disk until it is wanted.

Rows of pictures have such cells in `Rows.columns`, so that a folder of fifty thousand photographs is never in memory at
once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from distill.errors import DataError


@dataclass(frozen=True)
class Stored:
    """Bytes that stay on disk until they are wanted: a whole file, or a stretch of one."""

    path: Path
    sha256: str  # of the bytes
    length: int
    offset: int = 0

    def read(self) -> bytes:
        """The bytes.

        Raises:
            DataError: they are gone, or are no longer those that were there when the rows were read.
        """
        content = _stretch(self.path, self.offset, self.length)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise DataError(f"{self.path.name} was changed while Limbeck ran. Run again.")
        return content


@dataclass(frozen=True)
class Laid:
    """A picture's bytes and the colour that shows where it is transparent, which is white for all others."""

    cell: bytes | Stored
    background: str  # "#rrggbb"


Encoded: TypeAlias = bytes | Stored | Laid


def stored(path: Path) -> Stored:
    """A whole file as it is now.

    Raises:
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    return Stored(path, hashlib.sha256(content).hexdigest(), len(content))


def content(cell: Encoded) -> bytes:
    """The bytes of a cell. Raises DataError, see `Stored.read`."""
    inner = cell.cell if isinstance(cell, Laid) else cell
    return inner.read() if isinstance(inner, Stored) else inner


def sha256_of(cell: Encoded) -> str:
    """The hash of a cell's bytes, and of its background; those that are on disk are not read for it."""
    if isinstance(cell, Laid):
        return hashlib.sha256(f"{cell.background.lower()} {sha256_of(cell.cell)}".encode()).hexdigest()
    return cell.sha256 if isinstance(cell, Stored) else hashlib.sha256(cell).hexdigest()


def length_of(cell: Encoded) -> int:
    """How many bytes a cell holds."""
    inner = cell.cell if isinstance(cell, Laid) else cell
    return inner.length if isinstance(inner, Stored) else len(inner)


def _stretch(path: Path, offset: int, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    except OSError as error:
        raise DataError(f"{path.name} can no longer be read ({error.strerror}). Run again.") from None
