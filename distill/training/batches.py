"""Rows as a student reads them, cut into batches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from distill.modalities.modality import NetworkRows


class Batches:
    """What a network reads of N rows, cut into batches of tensors."""

    def __init__(self, rows: NetworkRows) -> None:
        """`rows`: what the network reads of each."""
        self._rows = rows
        self._lengths = rows.lengths

    def batch(self, places: npt.NDArray[np.int64]) -> tuple[torch.Tensor, ...]:
        """The network's inputs for the rows at `places`."""
        return self._rows.batch(places)

    def shuffled(self, size: int, random: np.random.Generator, pool: int = 32) -> list[npt.NDArray[np.int64]]:
        """Places for one epoch: random, but rows of a batch are of like length, so that little is padding."""
        order = random.permutation(len(self._lengths))
        batches: list[npt.NDArray[np.int64]] = []
        for start in range(0, len(order), pool * size):
            part = order[start : start + pool * size]
            part = part[np.argsort(self._lengths[part], kind="stable")]
            batches += [part[i : i + size] for i in range(0, len(part), size)]
        return [batches[i] for i in random.permutation(len(batches))]
