"""How much each part of an input contributed to its answer, by occlusion.

A part is what the modality says: a span of a text, a column that was sent. Its contribution is the probability of the
predicted label with everything, less its probability with that part left out (Zeiler and Fergus, 2014, for pictures).
The cost is bounded by the number of copies a request may have. What is told of a part is where it stands, never what
it says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handler.errors import RequestError
from handler.modalities.modality import Modality, Part, Record
from handler.model.predictor import Prediction

_BYTES_A_CONTRIBUTION = 120


@dataclass(frozen=True)
class Occlusion:
    """A copy of an input with one part left out."""

    place: int  # which input
    part: Part
    record: Record

    @property
    def answer_bytes(self) -> int:
        """Room for its contribution in an answer, at most: a column's name may be escaped twice."""
        return _BYTES_A_CONTRIBUTION + 2 * len(json.dumps(self.part.get("column", "")))


def occlusions(records: Sequence[Record], modality: Modality, max_explained: int) -> list[Occlusion]:
    """One copy for each part of each input.

    Raises:
        RequestError: 413, explaining takes more copies than `max_explained`.
    """
    wanted = sum(map(modality.fewest_parts, records))
    if wanted > max_explained:
        detail = f"Explaining these inputs takes {wanted:,} copies of them, the limit is {max_explained:,}."
        raise RequestError(413, "too-costly", f"{detail} Send several requests.", "/explain")
    return [
        Occlusion(place, part, without)
        for place, record in enumerate(records)
        for part, without in modality.parts(record, max_explained // len(records), len(records))
    ]


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
