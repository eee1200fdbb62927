"""A student made of the first layers of its teacher: a transformer encoder (Devlin et al., 2019) over word pieces.

A word outside the table of words is one token, the sum of vectors for its runs of letters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from distill.modalities.text.prelude import END, TextPrelude
from distill.modalities.text.students import TextStudent
from distill.modalities.text.wordpiece import FIRST_PIECE, START
from distill.recipe.schema import Student
from distill.teachers.layer_transfer import FirstLayers

_FAR = -1e9  # added to the score of padding: its share is then exactly zero
_SCALE = 10.0  # of factors: that both are of a size that one learning rate suits


class Layer(nn.Module):
    """Attention over the row, then two layers on each token, each with a way around it."""

    def __init__(self, hidden: int, heads: int, wide: int, epsilon: float, dropout: float) -> None:
        """`wide`: units between the two layers."""
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(hidden, hidden) for _ in range(3))
        self.attended = nn.Linear(hidden, hidden)
        self.attention_norm = nn.LayerNorm(hidden, eps=epsilon)
        self.wide = nn.Linear(hidden, wide)
        self.narrow = nn.Linear(wide, hidden)
        self.norm = nn.LayerNorm(hidden, eps=epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, padding: Tensor) -> Tensor:
        """States [N,L,H] -> [N,L,H]. `padding` [N,1,1,L]: 0 at tokens, far below at padding."""
        rows, tokens, hidden = states.shape

        def parted(part: Tensor) -> Tensor:
            return part.reshape(rows, tokens, self.heads, hidden // self.heads).transpose(1, 2)

        query, key, value = parted(self.query(states)), parted(self.key(states)), parted(self.value(states))
        scores = query @ key.transpose(2, 3) * (hidden // self.heads) ** -0.5 + padding
        shares = self.dropout(torch.softmax(scores, dim=-1))
        mixed = (shares @ value).transpose(1, 2).reshape(rows, tokens, hidden)
        states = self.attention_norm(self.dropout(self.attended(mixed)) + states)
        widened = nn.functional.gelu(self.wide(states))
        normed: Tensor = self.norm(self.dropout(self.narrow(widened)) + states)
        return normed


class MiniStudent(TextStudent):
    """See `TextStudent`; ids are of `distill.modalities.text.wordpiece`."""

    def __init__(
        self,
        surprisal: Sequence[float],
        buckets: int,
        embedding: int | None,
        classes: int,
        dropout: float,
        start: FirstLayers,
    ) -> None:
        """`embedding`: numbers stored a piece, as two factors; None: as many as the teacher has."""
        weights = {name: torch.from_numpy(values) for name, values in start.weights.items()}
        vectors = weights.pop("embedding.weight")
        hidden = vectors.shape[1]
        factored = embedding is not None and embedding < hidden
        super().__init__(surprisal, buckets, embedding if factored and embedding else hidden)
        count = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers."))
        wide = weights["layers.0.wide.weight"].shape[0]
        self.position = nn.Parameter(weights["position"])
        self.widen = nn.Linear(self.embedding.embedding_dim, hidden) if factored else nn.Identity()
        self.norm = nn.LayerNorm(hidden, eps=start.epsilon)
        self.layers = nn.ModuleList(Layer(hidden, start.heads, wide, start.epsilon, dropout) for _ in range(count))
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, classes))
        self.dropout = nn.Dropout(dropout)
        self.load_state_dict(weights, strict=False)
        self._embed_from(vectors)

    def _embed_from(self, vectors: Tensor) -> None:
        with torch.no_grad():
            if isinstance(self.widen, nn.Linear):
                centre = vectors.mean(dim=0)
                left, size, right = np.linalg.svd((vectors - centre).double().numpy(), full_matrices=False)
                kept = min(self.widen.in_features, len(size))
                vectors = torch.zeros(len(vectors), self.widen.in_features)
                vectors[:, :kept] = torch.from_numpy(left[:, :kept] * size[:kept] * _SCALE).float()
                self.widen.weight.zero_()
                self.widen.weight[:, :kept] = torch.from_numpy(right[:kept].T / _SCALE).float()
                self.widen.bias.copy_(centre)
            self.embedding.weight[0] = vectors[0]
            self.embedding.weight[END] = vectors[1]
            self.embedding.weight[START] = vectors[2]
            self.embedding.weight[FIRST_PIECE:] = vectors[3:]
            spread = float(vectors.std()) / 3  # an unknown word is the sum of some nine
            self.grams.weight[1:] = torch.randn_like(self.grams.weight[1:]) * spread

    def forward(self, ids: Tensor, grams: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextStudent`."""
        read = self.embed(ids, grams, places)
        tokens, lengths, description = self.count(ids)
        states = self.dropout(self.norm(self.widen(read) + self.position[: ids.shape[1]]))
        padding = ((1 - tokens) * _FAR).reshape(ids.shape[0], 1, 1, ids.shape[1])
        for layer in self.layers:
            states = layer(states, padding)
        pooled = (tokens.transpose(1, 2) @ states / lengths).squeeze(1)
        return self.head(pooled), description


def build(config: Student, prelude: TextPrelude, classes: int, start: FirstLayers) -> MiniStudent:
    """A student of the recipe's sizes that starts from a teacher's first layers."""
    return MiniStudent(prelude.surprisal, prelude.buckets, config.embedding, classes, config.dropout, start)
