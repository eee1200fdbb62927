"""Texts: one string an input, composed to NFC, explained by spans of words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from handler.bundle.contract import Serving
from handler.modalities.cells import cell, json_type, tensor
from handler.modalities.modality import Arrays, Modality, Part, Record

MAX_CHARACTERS = 2_000_000  # of all copies of a request's texts: about a third of a second of one core
_SPAN = re.compile(r"\S+")


def _check_inputs(serving: Serving) -> str:
    return "" if len(serving.inputs) == 1 else f"names {len(serving.inputs)} inputs, wanted exactly one for text"


def _arrays(records: Sequence[Record], serving: Serving) -> Arrays:
    [column] = serving.inputs
    for i, record in enumerate(records):
        if not isinstance(record, str):  # what was checked is one; anything else would be answered by its `str()`
            raise TypeError(f"A text model takes strings; input {i} is {json_type(record)}.")
    return {column.name: tensor(column, records)}


def _parts(text: Record, copies: int, records: int) -> list[tuple[Part, Record]]:
    """One copy for each whitespace-separated span, which is left out.

    Of a text with more spans than copies, neighbours are left out together. Places are in code points.
    """
    most = min(copies, MAX_CHARACTERS // records // max(1, len(text)))
    return [({"start": start, "end": end}, text[:start] + text[end:]) for start, end in _spans(text, max(1, most))]


def _spans(text: str, most: int) -> Iterator[tuple[int, int]]:
    """Start and end of each span, or of at most `most` runs of neighbours, as equal in spans as can be."""
    spans = [match.span() for match in _SPAN.finditer(text)]
    count = min(len(spans), most)
    for i in range(count):
        run = spans[i * len(spans) // count : (i + 1) * len(spans) // count]
        yield run[0][0], run[-1][1]


TEXT = Modality(
    name="text",
    takes=frozenset({("text", "string")}),
    check_inputs=_check_inputs,
    check=lambda value, serving, pointer: cell(value, serving.inputs[0], serving.limits, pointer),
    check_cell=cell,
    from_columns=lambda values, serving: list(values[serving.inputs[0].name]),
    arrays=_arrays,
    warm_up=lambda serving: "warm",
    fewest_parts=lambda _: 1,
    parts=_parts,
)
