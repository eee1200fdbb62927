"""A student that reads hashed ids: the sum of their embeddings over the root of their number, and one layer on top."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from distill.modalities.initialization import Start
from distill.modalities.text.bag_prelude import BagPrelude
from distill.modalities.text.students import surprisal_steps
from distill.recipe.schema import Student

_EMBEDDING = 64
_START = 0.1  # spread of a fresh embedding


class BagStudent(nn.Module):
    """Ids int64 [S] of N rows, the row of each [S,1] and how many a row has [N,1] -> logits [N,K], description [N,1].

    While it learns, a row lacks a share of its ids each time: no answer may rest on a few (Iyyer et al., 2015, "Deep
    Unordered Composition Rivals Syntactic Methods for Text Classification").
    """

    surprisal: Tensor

    def __init__(self, surprisal: Sequence[float], embedding: int, classes: int, dropout: float) -> None:
        """`surprisal`: how rare each id is, [B]. `dropout`: the share of ids that are left out."""
        super().__init__()
        self.embedding = nn.Embedding(len(surprisal), embedding)
        nn.init.normal_(self.embedding.weight, std=_START)
        self.register_buffer("surprisal", surprisal_steps(surprisal), persistent=False)
        self.drop_ids = nn.Dropout(dropout)
        self.head = nn.Linear(embedding, classes)

    def forward(self, ids: Tensor, owners: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """The description is the mean surprisal of the row's ids, in steps, for novelty."""
        shares = None if torch.compiler.is_exporting() else self.drop_ids(torch.ones(len(ids)))
        # Over the root, as a mean would make long texts alike, and a sum would make them loud.
        pooled = _summed(self.embedding.weight, ids, owners, counts, shares) / counts.sqrt()
        described = _summed(self.surprisal, ids, owners, counts) / counts
        return self.head(pooled), described


def _summed(table: Tensor, ids: Tensor, owners: Tensor, counts: Tensor, shares: Tensor | None = None) -> Tensor:
    """The rows of a table [B,E] that a text's ids name, summed: float [N,E]. `shares`: of each of the ids, [S]."""
    if torch.compiler.is_exporting():  # of ONNX's operators, the one that sums a row alone as it does beside others
        nothing = counts * torch.zeros(1, table.shape[1])
        summed: Tensor = torch.onnx.ops.symbolic(
            "ScatterND",
            (nothing, owners, nn.functional.embedding(ids, table).to(counts.dtype)),
            {"reduction": "add"},
            dtype=counts.dtype,
            shape=nothing.shape,
        )
        return summed
    lengths = counts[:, 0].to(torch.int64)
    summed = nn.functional.embedding_bag(
        ids, table.to(counts.dtype), lengths.cumsum(0) - lengths, mode="sum", per_sample_weights=shares
    )
    return summed


def build(config: Student, prelude: BagPrelude, classes: int, start: Start) -> BagStudent:
    """A fresh student of the recipe's sizes; `start` is nothing, as no teacher has vectors for hashes."""
    return BagStudent(prelude.surprisal, config.embedding or _EMBEDDING, classes, config.dropout)
