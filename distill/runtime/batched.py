"""Rows in chunks that a graph can take at once, whatever their length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

Columns = Mapping[str, np.typing.NDArray[np.generic]]
# Columns of [N] -> places, and the graph's tensors, of one chunk of rows after another. A number: at most so many rows
# in a chunk, and in the order in which they stand; None: whatever is fastest.
Feeds = Callable[[Columns, int | None], Iterator[tuple[np.typing.NDArray[np.int64], Columns]]]

_MOST_ROWS = 512
# The tokenizer lays a chunk out as rows x words of the longest row, 32 bytes a word: beside one mail of a megabyte,
# five hundred others would take gigabytes.
_MOST_CHARACTERS = 1 << 22


def places(columns: Columns) -> list[np.typing.NDArray[np.int64]]:
    """The places 0..N-1 of all rows in chunks; texts stand from the shortest to the longest, columns as they are."""
    values = list(columns.values())
    rows = len(values[0])
    if len(values) > 1 or values[0].dtype != object:  # only a lone column of strings holds texts
        return [np.arange(start, min(start + _MOST_ROWS, rows)) for start in range(0, rows, _MOST_ROWS)]
    lengths = np.array([len(text) for text in values[0].tolist()], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    chunks, start = [], 0
    for end in range(1, rows + 1):
        full = end == rows or end - start == _MOST_ROWS
        if full or (end + 1 - start) * int(lengths[order[end]]) > _MOST_CHARACTERS:
            chunks.append(order[start:end])
            start = end
    return chunks


def of_like_length(
    lengths: np.typing.NDArray[np.int64], order: np.typing.NDArray[np.int64], size: int, pool: int
) -> list[np.typing.NDArray[np.int64]]:
    """Places in batches of `size`, by length within every `pool` batches of `order`, so that little is padding."""
    pools = (order[start : start + pool * size] for start in range(0, len(order), pool * size))
    by_length = (part[np.argsort(lengths[part], kind="stable")] for part in pools)
    return [part[start : start + size] for part in by_length for start in range(0, len(part), size)]


def feeds(columns: Columns, most: int | None = None) -> Iterator[tuple[np.typing.NDArray[np.int64], Columns]]:
    """Places and tensors of one chunk of rows after another, of columns that are tensors as they stand."""
    count = len(next(iter(columns.values())))
    in_order = [np.arange(start, min(start + most, count)) for start in range(0, count, most)] if most else None
    for chunk in places(columns) if in_order is None else in_order:
        yield chunk, {name: column[chunk] for name, column in columns.items()}


def run(
    call: Callable[[dict[str, np.typing.NDArray[np.generic]]], Sequence[np.typing.NDArray[np.float32]]],
    columns: Columns,
    feed: Feeds = feeds,
) -> list[np.typing.NDArray[np.float32]]:
    """What `call` returns for chunks of the columns, each output put together in the order of the rows.

    `feed`: of the modality: how columns become tensors.
    """
    chunks, answers = [], []
    for chunk, tensors in feed(columns, None):
        chunks.append(chunk)
        answers.append(call(dict(tensors)))
    back = np.argsort(np.concatenate(chunks), kind="stable")
    return [np.concatenate(parts)[back] for parts in zip(*answers, strict=True)]
