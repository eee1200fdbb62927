"""How much each part of an input contributed to its answer, by occlusion.

A part is a whitespace-separated span of a text, or a column that was sent. Its contribution is the probability of the
predicted label with everything, less its probability with that part left out (Zeiler and Fergus, 2014, for pictures).
The cost is bounded by the number of copies a request may have, and by their characters: of a text with more spans,
neighbours are left out together. What is told of a span is where it stands, never what it says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handler.errors import RequestError
from handler.model.predictor import Prediction, Record

MAX_CHARACTERS = 2_000_000  # of all copies of a request's texts: about a third of a second of one core
_BYTES_A_CONTRIBUTION = 120
_SPAN = re.compile(r"\S+")


@dataclass(frozen=True)
class Occlusion:
    """A copy of an input with one part left out."""

    place: int  # which input
    part: Mapping[str, object]  # where the part stands: start and end, in code points of the text; or the column
    record: Record

    @property
    def answer_bytes(self) -> int:
        """Room for its contribution in an answer, at most: a column's name may be escaped twice."""
        return _BYTES_A_CONTRIBUTION + 2 * len(json.dumps(self.part.get("column", "")))


def occlusions(records: Sequence[Record], max_explained: int) -> list[Occlusion]:
    """One copy for each part of each input.

    Raises:
        RequestError: 413, more columns than `max_explained`, or more inputs: texts are given fewer, wider spans.
    """
    columns = sum(len(_sent(record)) for record in records if not isinstance(record, str))
    wanted = columns or len(records)
    if wanted > max_explained:
        detail = f"Explaining these inputs takes {wanted:,} copies of them, the limit is {max_explained:,}."
        raise RequestError(413, "too-costly", f"{detail} Send several requests.", "/explain")
    made = []
    for place, record in enumerate(records):
        if isinstance(record, str):
            most = min(max_explained // len(records), MAX_CHARACTERS // len(records) // max(1, len(record)))
            for start, end in _spans(record, max(1, most)):
                made.append(Occlusion(place, {"start": start, "end": end}, record[:start] + record[end:]))
        else:
            made += [Occlusion(place, {"column": name}, {**record, name: None}) for name in _sent(record)]
    return made


def contributions(
    answers: Sequence[Prediction], occluded: Sequence[Occlusion], inputs: int
) -> list[list[dict[str, Any]]]:
    """For each of the inputs its parts, in order, with their contributions to the predicted label's probability.

    `answers`: first those to the inputs, then those to their occlusions.
    """
    parts: list[list[dict[str, Any]]] = [[] for _ in range(inputs)]
    for occlusion, without in zip(occluded, answers[inputs:], strict=True):
        whole = answers[occlusion.place]
        contribution = whole.score - without.scores[whole.label]
        parts[occlusion.place].append({**occlusion.part, "contribution": contribution})
    return parts


def _sent(record: Mapping[str, str | float | None]) -> list[str]:
    return [name for name, value in record.items() if value is not None]


def _spans(text: str, most: int) -> Iterator[tuple[int, int]]:
    """Start and end of each span, or of at most `most` runs of neighbours, as equal in spans as can be."""
    spans = [match.span() for match in _SPAN.finditer(text)]
    count = min(len(spans), most)
    for i in range(count):
        run = spans[i * len(spans) // count : (i + 1) * len(spans) // count]
        yield run[0][0], run[-1][1]
