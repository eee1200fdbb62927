"""Token ids of many texts, kept without padding, and cut into padded batches as the graph would lay them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from distill.modalities.modality import AT_ONCE, NetworkInput
from distill.modalities.prelude import FEATURES
from distill.modalities.text.char_ngrams import GRAMS, PLACES

Ids = np.typing.NDArray[np.int64]


@dataclass(frozen=True)
class Ragged:
    """Ids of N texts, one text's behind the one's before. `ids`: [S]; `ends`: int64 [N+1], where each text's end."""

    width: int  # ids below it are of the vocabulary
    ids: np.typing.NDArray[np.integer]
    ends: Ids

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.ends) - 1

    @property
    def lengths(self) -> Ids:
        """Ids a text, [N]."""
        return np.diff(self.ends)

    @property
    def at_once(self) -> int:
        """Texts that are answered at once."""
        return AT_ONCE


@dataclass(frozen=True)
class Tokens(Ragged):
    """N texts. Their ids stand one after the other, as do the runs of letters of their unknown words.

    `ids`: int32 [S]; `width` stands for any unknown word. `ends`: int64 [N+1], where each text's ids end.
    `grams`: int32 [U,G], a row an unknown word, 0 pads. `gram_ends`: int64 [N+1].
    """

    grams: np.typing.NDArray[np.int32]
    gram_ends: Ids

    def batch(self, places: Ids) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Ids [n,L] padded with 0, grams [u,G] of their unknown words, and where these stand: row and column [u,2]."""
        ids = _padded(self.ids, self.ends, places)
        starts, counts = self.gram_ends[places], self.gram_ends[places + 1] - self.gram_ends[places]
        rows = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
        grams = self.grams[rows].astype(np.int64)
        return torch.from_numpy(ids), torch.from_numpy(grams), torch.from_numpy(np.argwhere(ids == self.width))


def network_inputs() -> Mapping[str, NetworkInput]:
    """The inputs of a network, ids, grams and places, as the export sees them."""
    unknown = torch.ones((3, 4), dtype=torch.int64)
    return {
        FEATURES: NetworkInput(torch.ones((2, 5), dtype=torch.int64), {0: "rows", 1: "tokens"}),
        GRAMS: NetworkInput(unknown, {0: "strangers", 1: "runs"}, ("U", "G")),
        PLACES: NetworkInput(torch.tensor([[0, 1], [0, 2], [1, 1]]), {0: "strangers"}, ("U", "P")),
    }


def join(width: int, count: int, parts: Sequence[tuple[Ids, Ids, Ids]]) -> Tokens:
    """Tokens of `count` texts from what the graph gave: places [n], ids [n,L] and grams [u,G] of each chunk."""
    ids: list[np.typing.NDArray[np.int32]] = [np.zeros(0, np.int32)] * count
    grams: list[np.typing.NDArray[np.int32]] = [np.zeros((0, 0), np.int32)] * count
    widest = max((part[2].shape[1] for part in parts), default=0)
    for places, padded, runs in parts:
        runs = np.pad(runs, ((0, 0), (0, widest - runs.shape[1]))).astype(np.int32)
        starts = np.concatenate([[0], np.cumsum((padded == width).sum(axis=1))])
        for row, place in enumerate(places.tolist()):
            ids[place] = padded[row][padded[row] != 0].astype(np.int32)
            grams[place] = runs[starts[row] : starts[row + 1]]
    return Tokens(
        width=width,
        ids=np.concatenate([*ids, np.zeros(0, np.int32)]),
        ends=_ends(ids),
        grams=np.concatenate([np.zeros((0, widest), np.int32), *(part for part in grams if len(part))]),
        gram_ends=_ends(grams),
    )


def _ends(parts: Sequence[np.typing.NDArray[np.int32]]) -> Ids:
    return np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)]).astype(np.int64)


def _padded(values: np.typing.NDArray[np.integer], ends: Ids, places: Ids) -> Ids:
    starts, lengths = ends[places], ends[places + 1] - ends[places]
    columns = np.arange(max(1, int(lengths.max())))[None, :]
    inside = columns < lengths[:, None]
    return np.where(inside, values[np.minimum(starts[:, None] + columns, len(values) - 1)], 0).astype(np.int64)
