"""Rows as a student reads them, cut into batches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from distill.data.rows import Rows
from distill.modalities.prelude import Prelude
from distill.modalities.text.token_batches import Tokens


class Batches:
    """What a network reads of N rows, cut into tensors: token ids and grams of texts, or feature rows."""

    def __init__(self, prelude: Prelude, rows: Rows) -> None:
        """Runs the prelude over the rows."""
        self._read: Tokens | npt.NDArray[np.float32]
        self._read = prelude.tokens(rows.columns) if prelude.words else prelude.features(rows.columns)
        self._lengths = self._read.lengths if isinstance(self._read, Tokens) else np.ones(len(rows), np.int64)

    def batch(self, places: npt.NDArray[np.int64]) -> tuple[torch.Tensor, ...]:
        """The network's inputs for the rows at `places`."""
        if isinstance(self._read, Tokens):
            return tuple(map(torch.from_numpy, self._read.batch(places)))
        return (torch.from_numpy(self._read[places]),)

    def shuffled(self, size: int, random: np.random.Generator, pool: int = 32) -> list[npt.NDArray[np.int64]]:
        """Places for one epoch: random, but rows of a batch are of like length, so that little is padding."""
        order = random.permutation(len(self._lengths))
        batches: list[npt.NDArray[np.int64]] = []
        for start in range(0, len(order), pool * size):
            part = order[start : start + pool * size]
            part = part[np.argsort(self._lengths[part], kind="stable")]
            batches += [part[i : i + size] for i in range(0, len(part), size)]
        return [batches[i] for i in random.permutation(len(batches))]
