"""A teacher that already spoke: its probabilities are columns of the data, as from an LLM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from distill.data.rows import Rows
from distill.errors import DataError

_SMALLEST_PROBABILITY = 1e-4  # an LLM's 0 and 1 are rounded, not certain


class PrecomputedModel:
    """Reads logits out of `Rows.teacher_probabilities`."""

    def logits(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Log-probabilities [N,K]; NaN where the row has none.

        Raises:
            DataError: the rows carry no such columns.
        """
        if rows.teacher_probabilities is None:
            raise DataError("The rows hold no teacher's probabilities. Name their columns with data.soft_label_prefix.")
        return np.log(np.maximum(rows.teacher_probabilities, _SMALLEST_PROBABILITY)).astype(np.float32)

    def word_vectors(self, words: Sequence[str]) -> None:
        """Nothing but its answers is known of it."""

    def word_pieces(self, words: Sequence[str]) -> None:
        """Likewise."""

    def first_layers(self, layers: int, pieces: Sequence[str], max_tokens: int, tuned: bool) -> None:
        """Likewise."""

    def call_one(self, rows: Rows, place: int) -> None:
        """Its answers cost nothing here; its latency is not ours to measure."""
