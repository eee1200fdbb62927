"""Students that read token ids: a pooled bag of embeddings, a convolution, and a recurrent network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

_START = 0.1  # spread of a fresh embedding


class TextStudent(nn.Module):
    """Token ids int64 [N,L] (0 pads) and grams int64 [U+1,G] -> logits [N,K] and a description [N,1], for novelty.

    An id from the vocabulary's width on is the unknown word of that row of the grams, ids of its runs of letters.
    Every pooling multiplies by the mask, so that a row gives the same answer alone and beside longer ones.
    """

    def __init__(self, surprisal: Sequence[float], buckets: int, embedding: int) -> None:
        """`surprisal`: how rare each id of the vocabulary is, and last how rare an unknown word, [V+1]."""
        super().__init__()
        self.width = len(surprisal) - 1
        self.embedding = nn.Embedding(self.width, embedding)
        nn.init.normal_(self.embedding.weight, std=_START)
        self.grams = nn.Embedding(1 + buckets, embedding, padding_idx=0)
        nn.init.normal_(self.grams.weight, std=_START / 3)  # an unknown word is the sum of some nine
        with torch.no_grad():
            self.grams.weight[0] = 0
        self.surprisal = nn.Embedding(len(surprisal), 1)
        self.surprisal.weight = nn.Parameter(torch.tensor(surprisal).unsqueeze(1), requires_grad=False)

    def embed(self, ids: Tensor, grams: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings [N,L,E] with zeros at padding, the mask [N,L,1] and the tokens a row, [N,1]."""
        mask = (ids != 0).to(self.embedding.weight.dtype).unsqueeze(-1)
        unknown = ids >= self.width
        known = self.embedding(torch.where(unknown, 0, ids))
        spelt = self.grams(grams).sum(dim=1)[(ids - self.width).clamp(min=0)]
        return torch.where(unknown.unsqueeze(-1), spelt, known) * mask, mask, mask.sum(dim=1)

    def describe(self, ids: Tensor, count: Tensor) -> Tensor:
        """The mean surprisal of the row's words, [N,1]."""
        summed: Tensor = self.surprisal(ids.clamp(max=self.width)).sum(dim=1)
        return summed / count


class StaticStudent(TextStudent):
    """A mean of the words, each weighted by what it is, and a small network on top."""

    def __init__(
        self, surprisal: Sequence[float], buckets: int, embedding: int, hidden: int, classes: int, dropout: float
    ) -> None:
        """`hidden`: units of the layer between the pooled embedding and the logits."""
        super().__init__(surprisal, buckets, embedding)
        self.importance = nn.Linear(embedding, 1)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(embedding, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(self, ids: Tensor, grams: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextStudent`."""
        words, mask, count = self.embed(ids, grams)
        weights = torch.sigmoid(self.importance(words)) * mask
        pooled = (words * weights).sum(dim=1) / weights.sum(dim=1)
        return self.head(pooled), self.describe(ids, count)


class ConvStudent(TextStudent):
    """One convolution over three words beside the words themselves, pooled by mean and by maximum."""

    def __init__(
        self, surprisal: Sequence[float], buckets: int, embedding: int, channels: int, classes: int, dropout: float
    ) -> None:
        """`channels`: filters of the convolution."""
        super().__init__(surprisal, buckets, embedding)
        self.drop_words = nn.Dropout(dropout)
        self.convolution = nn.Conv1d(embedding, channels, kernel_size=3, padding=1)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * channels + embedding, classes))

    def forward(self, ids: Tensor, grams: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextStudent`."""
        words, mask, count = self.embed(ids, grams)
        spans = torch.relu(self.convolution(self.drop_words(words).transpose(1, 2))) * mask.transpose(1, 2)
        mean = words.sum(dim=1) / count
        # After ReLU nothing is below zero, so a masked zero never wins the maximum over a real token.
        pooled = torch.cat([spans.sum(dim=2) / count, spans.amax(dim=2), mean], dim=1)
        return self.head(pooled), self.describe(ids, count)


class GruStudent(TextStudent):
    """A gated recurrent unit (Cho et al., 2014) each way over the words, its states pooled by mean and by maximum."""

    def __init__(
        self, surprisal: Sequence[float], buckets: int, embedding: int, hidden: int, classes: int, dropout: float
    ) -> None:
        """`hidden`: units each way."""
        super().__init__(surprisal, buckets, embedding)
        self.drop_words = nn.Dropout(dropout)
        self.gru = nn.GRU(embedding, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * hidden, classes))

    def forward(self, ids: Tensor, grams: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextStudent`."""
        words, mask, count = self.embed(ids, grams)
        states = self.read(self.drop_words(words), count[:, 0])
        # A state lies between -1 and 1, so -1 in place of padding never wins the maximum over a real token.
        highest = torch.where(mask > 0, states, -1.0).amax(dim=1)
        return self.head(torch.cat([states.sum(dim=1) / count, highest], dim=1)), self.describe(ids, count)

    def read(self, words: Tensor, count: Tensor) -> Tensor:
        """States [N,L,2H] of words [N,L,E], `count` [N] of them in each row; zeros beyond."""
        rows, tokens = words.shape[:2]
        if torch.compiler.is_exporting():  # the ONNX operator takes the lengths as they are
            shape = (tokens, 2, rows, self.gru.hidden_size)
            states = torch.onnx.ops.symbolic(
                "GRU",
                (words.transpose(0, 1), *self._onnx_weights(), count.to(torch.int32)),
                {"hidden_size": self.gru.hidden_size, "direction": "bidirectional", "linear_before_reset": 1},
                dtype=words.dtype,
                shape=shape,
            )
            return states.permute(2, 0, 1, 3).reshape(rows, tokens, 2 * self.gru.hidden_size)
        packed = nn.utils.rnn.pack_padded_sequence(words, count.to(torch.int64), batch_first=True, enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=tokens)
        return states

    def _onnx_weights(self) -> tuple[Tensor, Tensor, Tensor]:
        """W [2,3H,E], R [2,3H,H] and B [2,6H]: ONNX puts the update gate first, torch the reset gate."""
        hidden = self.gru.hidden_size
        order = torch.cat(
            [torch.arange(hidden, 2 * hidden), torch.arange(hidden), torch.arange(2 * hidden, 3 * hidden)]
        )

        def both(kind: str) -> list[Tensor]:
            return [getattr(self.gru, f"{kind}_l0{side}")[order] for side in ("", "_reverse")]

        biases = [torch.cat(pair) for pair in zip(both("bias_ih"), both("bias_hh"), strict=True)]
        return torch.stack(both("weight_ih")), torch.stack(both("weight_hh")), torch.stack(biases)


# By kind, and how wide it is where the recipe does not say.
KINDS: Mapping[str, tuple[type[StaticStudent | ConvStudent | GruStudent], int]] = {
    "static": (StaticStudent, 128),
    "conv": (ConvStudent, 96),
    "gru": (GruStudent, 96),
}
