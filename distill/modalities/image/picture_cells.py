"""A column of pictures as cells of bytes: paths, base64, or the bytes themselves. Nothing is fetched."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distill.data.encoded import Encoded, stored
from distill.data.readers.cells import Table
from distill.data.readers.picture_names import begins_a_picture
from distill.errors import DataError
from distill.progress import track

NO_FILE = "no such file"
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_DATA_URL = re.compile(r"data:[^,]{0,200},", re.IGNORECASE)
_FEWEST_CHARACTERS = 48  # of base64 that is no path: no picture is shorter
_FEW = 3  # examples in a message


@dataclass(frozen=True)
class Cells:
    """N cells: `Encoded` where there is a picture, else b"". `reasons` [N]: why there is none, "" for an empty cell."""

    values: np.typing.NDArray[np.object_]
    reasons: np.typing.NDArray[np.object_]


def of(table: Table, name: str, role: str) -> Cells:
    """The column's pictures, each hashed once.

    Raises:
        DataError: there is no such column, or it holds addresses.
    """
    given = table.encoded.get(name)
    cells = (table.column(name, role) if given is None else given).tolist()
    addresses = [row for row, cell in enumerate(cells) if isinstance(cell, str) and _ADDRESS.match(cell)]
    if addresses:
        raise DataError(
            f"{table.where}, column {name!r} ({role}): {table.at(addresses[0])} holds an address, and Limbeck fetches "
            f"nothing. Download the pictures and give their paths, which begin at the folder of {table.where}."
        )
    values, reasons = np.empty(len(cells), dtype=object), np.full(len(cells), "", dtype=object)
    for row, cell in enumerate(track(cells, "reading pictures")):
        values[row], reasons[row] = _read(cell, table.folder) if isinstance(cell, str) else (cell, "")
    return Cells(values, reasons)


def _read(cell: str, folder: Path) -> tuple[Encoded, str]:
    if not cell.strip():
        return b"", ""
    if (head := _DATA_URL.match(cell)) is not None:
        content = _decoded(cell[head.end() :]) if head[0].lower().endswith(";base64,") else None
        return (content, "") if content else (b"", "a data: URL that is not base64")
    for path in _places(cell, folder):
        try:
            if path.is_file():
                found = stored(path)
                return (found, "") if found.length else (b"", "the file is empty")
        except OSError as error:
            if error.strerror and not _is_too_long(cell):
                return b"", f"cannot be read ({error.strerror})"
        except ValueError:  # a NUL
            break
    content = _decoded(cell) if len(cell) >= _FEWEST_CHARACTERS else None
    if content and begins_a_picture(content[:16]):
        return content, ""
    return b"", NO_FILE


def _places(cell: str, folder: Path) -> Sequence[Path]:
    """Where the file may lie: as it is written, without space around it, with the separators of Windows."""
    spellings = dict.fromkeys((cell, cell.strip(), cell.strip().replace("\\", "/")))
    return [folder / spelling for spelling in spellings]


def _is_too_long(cell: str) -> bool:
    return len(cell) > 255


def _decoded(text: str) -> bytes | None:
    """Base64, of either alphabet, with line breaks or without; None where it is none."""
    plain = "".join(text.split()).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
