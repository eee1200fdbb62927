"""A student that reads a feature row: a small residual network beside a linear path."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MlpStudent(nn.Module):
    """Features float32 [N,F] -> logits [N,K] and the features themselves, [N,F], for novelty."""

    def __init__(self, width: int, hidden: int, layers: int, classes: int, dropout: float) -> None:
        """`hidden`: units a layer; the linear path keeps what needs no layer cheap to learn."""
        super().__init__()
        self.linear = nn.Linear(width, classes)
        body: list[nn.Module] = []
        for place in range(layers):
            body += [nn.Linear(width if place == 0 else hidden, hidden), nn.ReLU(), nn.Dropout(dropout)]
        self.body = nn.Sequential(*body)
        self.head = nn.Linear(hidden, classes)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        return self.linear(features) + self.head(self.body(features)), torch.clone(features)
