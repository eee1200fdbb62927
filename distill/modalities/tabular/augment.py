"""More rows for a table's transfer set: copies of each row, some of whose columns are another row's.

After MUNGE (Bucila, Caruana and Niculescu-Mizil, 2006, "Model Compression"), without its noise on numbers: every cell
of a copy stands in some training row, so that sentinels, holes and whole numbers stay what they are. The other row is
any row: the teacher says what it makes of a mixture that is nobody's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from distill.data.keys import copy_key
from distill.data.rows import UNLABELLED, Rows
from distill.recipe.schema import Transfer
from distill.teachers.teacher import Teacher

_SHARE = 0.3  # of the columns that come from the other row
_COPIES = 10  # a row, where the recipe does not say
_MOST_ROWS = 200_000  # in the transfer set, where the recipe does not say


def default_copies(rows: int, length: float) -> int:
    """How many copies a row, of so many rows."""
    return max(0, min(_COPIES, _MOST_ROWS // max(rows, 1) - 1))


def copies(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, public: Sequence[str], seed: int
) -> Rows:
    """`config.augment` variants a row, see `varied`; what the teacher and public words say of rows matters to none."""
    return varied(train, apart, config.augment or 0, seed)


def varied(train: Rows, apart: Sequence[Rows], copies: int, seed: int) -> Rows:
    """`copies` variants a row, unlabelled: each column the row's own or, less often, that of another row.

    The first digits of a variant's key are its row's. A variant that equals a row of `train` or `apart`, or another
    variant, is left out.
    """
    names = sorted(train.columns)
    cells = _cells(train, names)
    taken = {content for rows in (train, *apart) for content in _contents(_cells(rows, names))}
    random = np.random.default_rng(seed)
    own = np.arange(len(train))
    parts = [np.zeros((0, len(names)), np.int64)]  # the row that each cell of a copy comes from
    keys: list[str] = []
    for _ in range(copies if len(train) > 1 else 0):
        others = random.integers(len(train), size=len(train))
        swapped = random.random((len(train), len(names))) < _SHARE
        sources = np.where(swapped, others[:, None], own[:, None])
        fresh = []
        for place, content in enumerate(_contents(np.take_along_axis(cells, sources, axis=0))):
            if content not in taken:
                taken.add(content)
                fresh.append(place)
                keys.append(copy_key(str(train.keys[place]), content))
        parts.append(sources[fresh])
    found = np.concatenate(parts)
    return Rows(
        columns={name: train.columns[name][found[:, place]] for place, name in enumerate(names)},
        labels=np.full(len(keys), UNLABELLED, dtype=np.int64),
        keys=np.array(keys, dtype=object),
    )


def _cells(rows: Rows, names: Sequence[str]) -> np.typing.NDArray[np.uint64]:
    """What stands in each cell [N,F], as a number: the same for the same value, in whatever rows it stands."""
    cells = np.empty((len(rows), len(names)), "<u8")
    for column, name in enumerate(names):
        values = rows.columns[name]
        if values.dtype == object:
            words, place = np.unique(values, return_inverse=True)
            digests = [hashlib.sha256(str(word).encode()).digest()[:8] for word in words.tolist()]
            cells[:, column] = np.frombuffer(b"".join(digests), "<u8")[place]
        else:
            numbers = values.astype("<f4") + np.float32(0)  # -0 is 0
            numbers[np.isnan(numbers)] = np.nan  # there are many NaN, and all say the same
            cells[:, column] = numbers.view("<u4")
    return cells


def _contents(cells: np.typing.NDArray[np.uint64]) -> list[str]:
    """A hash [N] of each row's cells."""
    return [hashlib.sha256(row).hexdigest() for row in cells]
