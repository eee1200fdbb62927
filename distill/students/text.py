"""Students that read token ids: a pooled bag of embeddings and a convolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TextStudent(nn.Module):
    """Token ids int64 [N,L] (0 pads) -> logits [N,K] and a description of the row, [N,1], for novelty.

    Every pooling multiplies by the mask, so that a row gives the same answer alone and beside longer ones.
    """

    def __init__(self, surprisal: Sequence[float], embedding: int) -> None:
        """`surprisal`: how rare each id is, [V], which is also how many ids there are."""
        super().__init__()
        self.embedding = nn.Embedding(len(surprisal), embedding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.surprisal = nn.Embedding(len(surprisal), 1)
        self.surprisal.weight = nn.Parameter(torch.tensor(surprisal).unsqueeze(1), requires_grad=False)

    def embed(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings [N,L,E] with zeros at padding, the mask [N,L,1] and the tokens a row, [N,1]."""
        mask = (ids != 0).to(self.embedding.weight.dtype).unsqueeze(-1)
        return self.embedding(ids) * mask, mask, mask.sum(dim=1)

    def describe(self, ids: Tensor, count: Tensor) -> Tensor:
        """The mean surprisal of the row's words, [N,1]."""
        return self.surprisal(ids).sum(dim=1) / count


class StaticStudent(TextStudent):
    """A learned weight a token, a weighted mean, and a small network on top."""

    def __init__(self, surprisal: Sequence[float], embedding: int, hidden: int, classes: int, dropout: float) -> None:
        """`hidden`: units of the layer between the pooled embedding and the logits."""
        super().__init__(surprisal, embedding)
        self.importance = nn.Embedding(len(surprisal), 1)
        nn.init.zeros_(self.importance.weight)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(embedding, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextStudent`."""
        words, mask, count = self.embed(ids)
        weights = torch.sigmoid(self.importance(ids)) * mask
        pooled = (words * weights).sum(dim=1) / weights.sum(dim=1)
        return self.head(pooled), self.describe(ids, count)


class ConvStudent(TextStudent):
    """One convolution over three words beside the words themselves, pooled by mean and by maximum."""

    def __init__(self, surprisal: Sequence[float], embedding: int, channels: int, classes: int, dropout: float) -> None:
        """`channels`: filters of the convolution."""
        super().__init__(surprisal, embedding)
        self.drop_words = nn.Dropout(dropout)
        self.convolution = nn.Conv1d(embedding, channels, kernel_size=3, padding=1)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * channels + embedding, classes))

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextStudent`."""
        words, mask, count = self.embed(ids)
        spans = torch.relu(self.convolution(self.drop_words(words).transpose(1, 2))) * mask.transpose(1, 2)
        mean = words.sum(dim=1) / count
        # After ReLU nothing is below zero, so a masked zero never wins the maximum over a real token.
        pooled = torch.cat([spans.sum(dim=2) / count, spans.amax(dim=2), mean], dim=1)
        return self.head(pooled), self.describe(ids, count)
