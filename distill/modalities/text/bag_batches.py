"""Hashed ids of many texts, one row behind the other, and batches of rows as the graph would lay them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from distill.modalities.modality import NetworkInput
from distill.modalities.prelude import FEATURES
from distill.modalities.text.token_batches import Ids, Ragged

OWNERS = "limbeck/owners"
COUNTS = "limbeck/counts"


@dataclass(frozen=True)
class Bags(Ragged):
    """Hashed ids of N texts, uint16 or int32, all below `width`."""

    def batch(self, places: Ids) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Ids [S] of the texts at `places` [n], the row of each [S,1], and how many each row has, float [n,1]."""
        counts = self.lengths[places]
        rows = np.repeat(np.arange(len(places)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        ids = self.ids[np.repeat(self.ends[places], counts) + within].astype(np.int64)
        return (
            torch.from_numpy(ids),
            torch.from_numpy(rows[:, None]),
            torch.from_numpy(counts[:, None].astype(np.float32)),
        )

    def rows_per_id(self) -> Ids:
        """How many texts hold each id, [width]."""
        rows = np.repeat(np.arange(len(self)), self.lengths)
        held = np.unique(rows * self.width + self.ids.astype(np.int64))
        return np.bincount(held % self.width, minlength=self.width)


def network_inputs() -> Mapping[str, NetworkInput]:
    """The inputs of a network, ids, the row of each, and how many each row has, as the export sees them."""
    return {
        FEATURES: NetworkInput(torch.zeros(5, dtype=torch.int64), {0: "ids"}, ("S",)),
        OWNERS: NetworkInput(torch.tensor([[0], [0], [1], [1], [1]]), {0: "ids"}, ("S", "1")),
        COUNTS: NetworkInput(torch.tensor([[2.0], [3.0]]), {0: "rows"}, ("N", "1")),
    }


def join(width: int, parts: Sequence[tuple[np.typing.NDArray[np.generic], ...]]) -> Bags:
    """Bags of all texts from what the graph gave of each chunk: places [n], ids [S], owners [S,1] and counts [n,1]."""
    small = np.uint16 if width <= 1 << 16 else np.int32
    places = np.concatenate([part[0] for part in parts]).astype(np.int64)
    counts = np.concatenate([part[3][:, 0] for part in parts]).astype(np.int64)
    ids = np.concatenate([part[1].astype(small) for part in parts])
    starts = np.cumsum(counts) - counts
    order = np.argsort(places, kind="stable")
    lengths = counts[order]
    within = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Bags(width, ids[np.repeat(starts[order], lengths) + within], ends)
