"""What is particular to one kind of input, behind one record. Nothing outside this package asks which kind it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from handler.bundle.contract import Input, Limits, Serving

Record: TypeAlias = Any  # one input that was checked: a text, or a mapping of column to value
Arrays: TypeAlias = "dict[str, np.typing.NDArray[np.generic]]"  # by input name, [N]
Part: TypeAlias = Mapping[str, object]  # where a part of an input stands, never what it says


@dataclass(frozen=True)
class Modality:
    """One kind of input, as the function takes it."""

    name: str
    takes: frozenset[tuple[str, str]]  # (kind, dtype) that its inputs may have
    check_inputs: Callable[[Serving], str]  # what is wrong with a manifest's inputs; "" where nothing is
    # A value as it was sent and its JSON pointer -> a record. Raises RequestError.
    check: Callable[[object, Serving, str], Record]
    # One value of one input as a tensor has it, and its JSON pointer -> the value, checked. Raises RequestError.
    check_cell: Callable[[object, Input, Limits, str], Any]
    # Checked values by input name, of N rows each, as tensors have them -> N records.
    from_columns: Callable[[Mapping[str, Sequence[Any]], Serving], list[Record]]
    arrays: Callable[[Sequence[Record], Serving], Arrays]
    warm_up: Callable[[Serving], Record]  # any input, for the first run
    fewest_parts: Callable[[Record], int]  # copies that explaining a record takes at least
    # A record, copies that it may take, and the number of records that share a request -> parts, each with the record
    # without it.
    parts: Callable[[Record, int, int], list[tuple[Part, Record]]]
    # Records in the order they came, in parts whose arrays can be one tensor each and fit the memory.
    batches: Callable[[Sequence[Record]], Iterable[Sequence[Record]]] = lambda records: (records,)
    # The graph's output, if any, that is the record in the size at which the graph looks at it, and answered alike.
    reduced: str = ""
    media_types: tuple[str, ...] = ()  # of bodies that are one input each, beside JSON: "image/*"
    # Checked values of one input, as many as there are so far, and the last one's pointer. Raises RequestError where
    # one request holds too much.
    check_total: Callable[[Sequence[Any], Serving, str], None] = lambda values, serving, pointer: None
