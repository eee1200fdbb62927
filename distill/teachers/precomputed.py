"""A teacher that already spoke: its probabilities are columns of the data, as from an LLM."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from distill import cache
from distill.data.rows import Dataset, Rows
from distill.errors import DataError
from distill.recipe.schema import Teacher as Config
from distill.teachers.teacher import Unfitted

_SMALLEST_PROBABILITY = 1e-4  # an LLM's 0 and 1 are rounded, not certain


class PrecomputedModel:
    """Reads logits out of `Rows.teacher_probabilities`."""

    def logits(self, rows: Rows) -> np.typing.NDArray[np.float32]:
        """Log-probabilities [N,K]; NaN where the row has none.

        Raises:
            DataError: the rows carry no such columns.
        """
        if rows.teacher_probabilities is None:
            raise DataError("The rows hold no teacher's probabilities. Name their columns with data.soft_label_prefix.")
        return np.log(np.maximum(rows.teacher_probabilities, _SMALLEST_PROBABILITY)).astype(np.float32)

    def call_one(self, rows: Rows, place: int) -> None:
        """Its answers cost nothing here; its latency is not ours to measure."""


def prepare(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """The columns' teacher: there is nothing to fit.

    Raises:
        DataError: it says nothing about some test rows.
    """
    known = dataset.test.teacher_probabilities
    if known is None or np.isnan(known).any():
        missing = len(dataset.test) if known is None else int(np.isnan(known).any(axis=1).sum())
        raise DataError(
            f"{missing} of {len(dataset.test)} test rows carry no teacher's probabilities, and retention is judged on "
            "all of them. Have the teacher label every row that has a gold label."
        )
    return Unfitted(
        description="precomputed probabilities",
        licence="as its owner states",
        weights_sha256=None,
        versions={},
        identity=(cache.code(__name__),),
        fit=lambda rows, part, folder_of, name: PrecomputedModel(),
        file=None,
    )
