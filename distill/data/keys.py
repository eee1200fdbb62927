"""A row's key: a hash of its inputs. It names the row in every cache, and its first digits decide the row's fold.

Rows of one family (`distill.data.families`) and varied copies of a row have those first digits in common, so that they
are of one fold and are left out together.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

from distill.data.encoded import sha256_of
from distill.data.rows import Pool, Rows

SOURCE_DIGITS = 12  # they name the row that a key's row is, was varied from, or belongs to
_KEY_DIGITS = 32
_COPY_DIGITS = 64


def keys_of(pool: Pool) -> np.typing.NDArray[np.object_]:
    """Content hash of each row's inputs, [N] hex strings; neither row nor column order matters to it."""
    names = sorted(pool.columns)
    values = [_plain(pool.columns[name]) for name in names]
    head = json.dumps(names, ensure_ascii=True)
    rows = (head + json.dumps(cells, ensure_ascii=True) for cells in zip(*values, strict=True))
    return np.array([hashlib.sha256(row.encode()).hexdigest()[:_KEY_DIGITS] for row in rows], dtype=object)


def _plain(column: np.typing.NDArray[np.generic]) -> list[object]:
    """Cells as JSON values; float32 widens exactly, NaN is null and -0.0 is 0.0. Of a file's bytes it is their hash."""
    if column.dtype == object:
        return [cell if isinstance(cell, str) else sha256_of(cell) for cell in column.tolist()]
    return [None if value != value else value + 0.0 for value in column.astype(np.float64).tolist()]


def shared_key(family: str, key: str) -> str:
    """The key of a row of a family, which is called `family`. `key`: of its inputs alone."""
    return hashlib.sha256(family.encode()).hexdigest()[:SOURCE_DIGITS] + key[: _KEY_DIGITS - SOURCE_DIGITS]


def copy_key(source: str, content: str) -> str:
    """The key of a varied copy of the row with the key `source`. `content`: a hash of the copy, in hex digits."""
    return source[:SOURCE_DIGITS] + content[: _COPY_DIGITS - SOURCE_DIGITS]


def source_of(key: str) -> str:
    """What a row's key has in common with the keys of its family and of its varied copies."""
    return key[:SOURCE_DIGITS]


def fold_of(rows: Rows, folds: int, by_row: bool = False) -> np.typing.NDArray[np.int64]:
    """The fold [N] of each row, by its hash: the same on every machine, and for all rows of a family.

    `by_row`: whether the rows of a family are of folds of their own, where families are too few to leave one out.
    """
    digits = slice(SOURCE_DIGITS, 2 * SOURCE_DIGITS) if by_row else slice(SOURCE_DIGITS)
    return np.array([int(key[digits], 16) % folds for key in rows.keys.tolist()], dtype=np.int64)


def families_fill_folds(rows: Rows, folds: int) -> bool:
    """Whether without any one fold every class of labelled rows is left; always so of rows that nothing ties."""
    if len({source_of(key) for key in rows.keys.tolist()}) == len(rows):
        return True
    places = fold_of(rows, folds)
    classes = len(np.unique(rows.labels))
    return all(len(np.unique(rows.labels[places != fold])) == classes for fold in range(folds))
