"""Pictures inside a Parquet file: a column of bytes, or of Hugging Face's structs {bytes, path}.

They are copied out once, into one file of the cache, so that each can be read by itself and none stays in memory.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from distill import cache
from distill.data.encoded import Stored
from distill.data.normalize import clean
from distill.errors import DataError

_ROWS_AT_A_TIME = 64


def holds_bytes(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no stubs
    """Whether cells of this Arrow type are a picture's bytes, or structs with them."""
    from pyarrow import types

    if types.is_struct(kind):
        return any(field.name == "bytes" and _is_binary(field.type) for field in kind)
    return _is_binary(kind)


def _is_binary(kind: Any) -> bool:  # noqa: ANN401
    return str(kind).split("[")[0] in ("binary", "large_binary", "binary_view", "fixed_size_binary")


def read(file: Any, path: Path, column: str, where: str) -> np.typing.NDArray[np.object_]:  # noqa: ANN401
    """The column's cells [N]: `Stored` bytes, a path (str) where a struct has only that, or "".

    Args:
        file: pyarrow's ParquetFile.
        path: where it lies.
        column: its name.
        where: the file's name, for messages.

    Raises:
        DataError: the column is damaged, or the cache cannot be written.
    """
    try:
        name = cache.key("parquet pictures", _sha256(path), column, cache.code(__name__))
        folder = cache.root() / "pictures"
        packed, index = folder / f"{name}.bin", folder / f"{name}.json"
        rows = cache.stored(index, lambda it: _index(it, packed))
        if rows is None:
            rows = _pack(file, column, packed, where)
            with cache.replacing(index) as temporary:
                temporary.write_text(json.dumps(rows))
    except OSError as error:
        raise DataError(
            f"{where}: its pictures cannot be copied to {cache.root()} ({error.strerror}). Set LIMBECK_CACHE to a "
            "folder with room for them."
        ) from None
    cells = np.empty(len(rows), dtype=object)
    cells[:] = [row if isinstance(row, str) else Stored(packed, row[2], row[1], row[0]) for row in rows]
    return cells


def _pack(file: Any, column: str, packed: Path, where: str) -> list[Any]:  # noqa: ANN401
    """Copy all pictures into one file. Returns a row each: where it begins, its length and hash; or a path, or ""."""
    from pyarrow import ArrowException

    rows: list[Any] = []
    with cache.replacing(packed) as temporary, temporary.open("wb") as out:
        try:
            for batch in file.iter_batches(batch_size=_ROWS_AT_A_TIME, columns=[column], use_threads=False):
                for value in batch.column(0).to_pylist():
                    content, given = _parts(value)
                    if content:
                        rows.append((out.tell(), len(content), hashlib.sha256(content).hexdigest()))
                        out.write(content)
                    else:
                        rows.append(clean(given))
        except (ArrowException, ValueError):
            raise DataError(
                f"{where}, column {column!r} cannot be decoded: the file is damaged. Fetch it again."
            ) from None
    return rows


def _parts(value: Any) -> tuple[bytes, str]:  # noqa: ANN401
    if isinstance(value, dict):
        return value.get("bytes") or b"", str(value.get("path") or "")
    return value or b"", ""


def _index(index: Path, packed: Path) -> list[Any]:
    """The rows that `_pack` gave; raises where its file is gone or of another length."""
    rows = json.loads(index.read_text())
    end = max((row[0] + row[1] for row in rows if not isinstance(row, str)), default=0)
    if packed.stat().st_size != end:
        raise ValueError(end)
    return list(rows)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
