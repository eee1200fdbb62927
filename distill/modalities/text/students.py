"""Students that read token ids: a pooled bag of embeddings, a convolution, and a recurrent network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

_START = 0.1  # spread of a fresh embedding
_STEPS = 127  # of a surprisal in eight bits


def surprisal_steps(surprisal: Sequence[float]) -> Tensor:
    """How rare each of V ids is, in steps from 1 to 1 + _STEPS: uint8 [V,1]."""
    rarity = torch.tensor(surprisal, dtype=torch.float32)
    steps = 1 + torch.round(rarity * (_STEPS / rarity.max().clamp(min=1e-9)))
    return steps.to(torch.uint8).unsqueeze(1)


class TextStudent(nn.Module):
    """Token ids int64 [N,L] (0 pads), grams int64 [U,G], places [U,2] -> logits [N,K] and a description [N,1].

    The vocabulary's width is the id of an unknown word; a row of the grams holds the ids of its runs of letters, and
    one of the places its row and column. The description is for novelty.
    Every pooling leaves padding out, so that a row gives the same answer alone and beside longer ones.
    """

    surprisal: Tensor

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
        steps = surprisal_steps(surprisal)
        steps[0] = 0
        self.register_buffer("surprisal", steps, persistent=False)

    def embed(self, ids: Tensor, grams: Tensor, places: Tensor) -> Tensor:
        """Embeddings [N,L,E] with zeros at padding."""
        spelt = self.grams(grams).sum(dim=1)
        if torch.compiler.is_exporting():  # a row of zeros for padding, and one that unknown words are written over
            nothing = torch.zeros_like(self.embedding.weight[:1])
            table = torch.cat([nothing, self.embedding.weight[1:], nothing])
            looked_up = nn.functional.embedding(ids, table)
            return torch.onnx.ops.symbolic(
                "ScatterND", (looked_up, places, spelt), dtype=looked_up.dtype, shape=looked_up.shape
            )
        known: Tensor = self.embedding(torch.where(ids < self.width, ids, 0)) * (ids != 0).unsqueeze(-1)
        return known.index_put((places[:, 0], places[:, 1]), spelt)

    def count(self, ids: Tensor) -> Counted:
        """How many tokens each row has, and how rare they are.

        Sums over a row are products: ONNX Runtime takes 1 µs for a ReduceSum of ten tokens, and 0.3 for a MatMul.
        """
        steps = nn.functional.embedding(ids, self.surprisal).to(torch.float32)
        tokens = steps.clamp(max=1)
        lengths = tokens.transpose(1, 2) @ tokens
        return Counted(tokens, lengths, (steps.transpose(1, 2) @ tokens / lengths).squeeze(2))


class Counted(NamedTuple):
    """What rows of ids [N,L] have of tokens."""

    tokens: Tensor  # 1.0 where a token is and 0.0 at padding, [N,L,1]
    lengths: Tensor  # tokens a row, [N,1,1]
    description: Tensor  # the mean surprisal of the row's tokens, [N,1], in steps from 1 to 1 + _STEPS


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

    def forward(self, ids: Tensor, grams: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextStudent`."""
        words = self.embed(ids, grams, places)
        tokens, lengths, description = self.count(ids)
        weights = torch.sigmoid(self.importance(words)).transpose(1, 2)
        # Padding is zeros among the words, so that their sum needs no mask; the sum of the weights does.
        pooled = weights @ words / (weights @ tokens)
        return self.head(pooled.squeeze(1)), description


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

    def forward(self, ids: Tensor, grams: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextStudent`."""
        words = self.embed(ids, grams, places)
        tokens, lengths, description = self.count(ids)
        spans = self.spans(self.drop_words(words))
        shares = (tokens / lengths).transpose(1, 2)
        mean = (shares @ torch.cat([spans, words], dim=2)).squeeze(1)
        # After ReLU nothing is below zero, so a masked zero never wins the maximum over a real token.
        highest = (spans * tokens).amax(dim=1)
        return self.answer(mean, highest), description

    def spans(self, words: Tensor) -> Tensor:
        """The convolution of words [N,L,E], [N,L,C]."""
        if torch.compiler.is_exporting():  # as one product, which takes no transposing
            around = nn.functional.pad(words, (0, 0, 1, 1))
            weight = self.convolution.weight.permute(0, 2, 1).flatten(1)
            read = torch.cat([around[:, :-2], words, around[:, 2:]], dim=2)
            return torch.relu(nn.functional.linear(read, weight, self.convolution.bias))
        return torch.relu(self.convolution(words.transpose(1, 2))).transpose(1, 2)

    def answer(self, mean: Tensor, highest: Tensor) -> Tensor:
        """Logits of the means of spans and of words [N,C+E] and the maxima of spans [N,C]."""
        channels, linear = highest.shape[1], self.head[1]
        if torch.compiler.is_exporting() and isinstance(linear, nn.Linear):  # weights in the order that is at hand
            whole = linear.weight
            parts = (whole[:, :channels], whole[:, 2 * channels :], whole[:, channels : 2 * channels])
            return nn.functional.linear(torch.cat([mean, highest], dim=1), torch.cat(parts, dim=1), linear.bias)
        logits: Tensor = self.head(torch.cat([mean[:, :channels], highest, mean[:, channels:]], dim=1))
        return logits


class GruStudent(TextStudent):
    """A gated recurrent unit (Cho et al., 2014) each way over the words, its states pooled by mean and by maximum."""

    def __init__(
        self, surprisal: Sequence[float], buckets: int, embedding: int, hidden: int, classes: int, dropout: float
    ) -> None:
        """`hidden`: units each way."""
        super().__init__(surprisal, buckets, embedding)
        self.drop_words = nn.Dropout(dropout)
        self.gru = nn.GRU(embedding, hidden, bidirectional=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * hidden, classes))

    def forward(self, ids: Tensor, grams: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """See `TextStudent`."""
        words = self.drop_words(self.embed(ids, grams, places))
        tokens, lengths, description = self.count(ids)
        states = self.read(words.transpose(0, 1), lengths)
        shares = (tokens / lengths).transpose(1, 2)
        # A state lies between -1 and 1, so that beyond a row's end, where it is 0, 1 less never wins the maximum.
        highest = (states + (tokens - 1)).amax(dim=1, keepdim=True)
        return self.head(torch.cat([shares @ states, highest], dim=2).squeeze(1)), description

    def read(self, words: Tensor, lengths: Tensor) -> Tensor:
        """States [N,L,2H] of words [L,N,E], `lengths` [N,1,1] of them in each row; zeros beyond."""
        tokens, rows = words.shape[:2]
        lengths = lengths.flatten()
        if torch.compiler.is_exporting():  # the ONNX operator takes the lengths as they are
            read = torch.onnx.ops.symbolic(
                "GRU",
                (words, *self._onnx_weights(), lengths.to(torch.int32)),
                {"hidden_size": self.gru.hidden_size, "direction": "bidirectional", "linear_before_reset": 1},
                dtype=words.dtype,
                shape=(tokens, 2, rows, self.gru.hidden_size),
            )
            shape = torch.tensor([0, 0, -1])  # in which ONNX reads the sizes that stay, and torch would compute them
            return torch.onnx.ops.symbolic(
                "Reshape",
                (read.permute(2, 0, 1, 3), shape),
                dtype=words.dtype,
                shape=(rows, tokens, 2 * self.gru.hidden_size),
            )
        packed = nn.utils.rnn.pack_padded_sequence(words, lengths.to(torch.int64), enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], total_length=tokens)
        return states.transpose(0, 1)

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
