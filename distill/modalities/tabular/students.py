"""A student that reads a feature row: a small residual network beside a linear path.

Beside the features it reads each number in pieces between its quantiles, 0 to 1 across each: what trees see at once, a
step or a long tail, is then linear. Gorishniy et al. (2022), "On Embeddings for Numerical Features in Tabular Deep
Learning". On 2,400 rows with sentinels, tails and 600 rare categories: 0.79 without, 0.86 with, of a teacher's 0.96.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from distill.data.rows import Rows
from distill.modalities.modality import AT_ONCE, NetworkInput
from distill.modalities.prelude import FEATURES
from distill.modalities.tabular.prelude import TabularPrelude
from distill.recipe.schema import Student

# Units a layer, and layers, where the recipe does not say. On 10,000 diamonds one layer loses 0.643, two lose 0.608.
WIDTH, LAYERS = 128, 2


@dataclass(frozen=True)
class FeatureRows:
    """Feature rows [N,F] as a network reads them."""

    features: np.typing.NDArray[np.float32]

    @property
    def lengths(self) -> np.typing.NDArray[np.int64]:
        """All alike, [N]."""
        return np.ones(len(self.features), np.int64)

    @property
    def at_once(self) -> int:
        """Rows that are answered at once."""
        return AT_ONCE

    def batch(self, places: np.typing.NDArray[np.int64]) -> tuple[Tensor, ...]:
        """The features of the rows at `places`."""
        return (torch.from_numpy(self.features[places]),)


def hidden_layers(width: int, hidden: int, layers: int, dropout: float) -> nn.Sequential:
    """Layers of `hidden` units, the first of which reads [N,width]."""
    body: list[nn.Module] = []
    for place in range(layers):
        body += [nn.Linear(width if place == 0 else hidden, hidden), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*body)


class MlpStudent(nn.Module):
    """Features float32 [N,F] -> logits [N,K] and the features themselves, [N,F], for novelty."""

    feature: Tensor
    start: Tensor
    slope: Tensor

    def __init__(
        self,
        width: int,
        hidden: int,
        layers: int,
        classes: int,
        dropout: float,
        pieces: Sequence[tuple[int, float, float]] = (),
    ) -> None:
        """`hidden`: units a layer; the linear path keeps what needs none cheap to learn. `pieces`: of the prelude."""
        super().__init__()
        self.pieces = len(pieces)
        self.register_buffer("feature", torch.tensor([feature for feature, _, _ in pieces], dtype=torch.long))
        self.register_buffer("start", torch.tensor([low for _, low, _ in pieces], dtype=torch.float32))
        self.register_buffer("slope", torch.tensor([1 / (high - low) for _, low, high in pieces], dtype=torch.float32))
        width += self.pieces
        self.linear = nn.Linear(width, classes)
        self.body = hidden_layers(width, hidden, layers, dropout)
        self.head = nn.Linear(hidden, classes)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        read = features
        if self.pieces:
            climbed = (features[:, self.feature] - self.start) * self.slope
            read = torch.cat([features, climbed.clamp(0, 1) - 0.5], dim=1)
        return self.linear(read) + self.head(self.body(read)), torch.clone(features)


def build(config: Student, prelude: TabularPrelude, classes: int, start: object) -> MlpStudent:
    """A fresh student of the recipe's sizes. It starts from nothing."""
    sizes = (config.width or WIDTH, config.layers or LAYERS, classes, config.dropout)
    return MlpStudent(prelude.width, *sizes, prelude.pieces)


def network_inputs(prelude: TabularPrelude) -> Mapping[str, NetworkInput]:
    """The one input of either student, as the export sees it."""
    return {FEATURES: NetworkInput(torch.zeros((2, prelude.width), dtype=torch.float32), {0: "rows"})}


def batches(prelude: TabularPrelude, rows: Rows) -> FeatureRows:
    """Rows as either student reads them."""
    return FeatureRows(prelude.features(rows.columns))
