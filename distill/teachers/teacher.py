"""What the spine sees of a teacher: something that returns logits for rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from distill import cache
from distill.data.keys import fold_of
from distill.data.rows import Rows

if TYPE_CHECKING:  # it imports torch, which is not for a wrong recipe
    from distill.teachers.layer_transfer import FirstLayers


class Model(Protocol):
    """One fitted model: what every teacher can do. It may load itself at the first call."""

    def logits(self, rows: Rows) -> np.typing.NDArray[np.float32]:
        """Logits [N,K]."""

    def call_one(self, rows: Rows, place: int) -> None:
        """Answer row `place` on one thread from its raw input; only its duration is of interest."""


@runtime_checkable
class Encoder(Protocol):
    """What an encoder can give beside: the text modality asks it of those that have it."""

    def word_vectors(self, words: Sequence[str]) -> np.typing.NDArray[np.float32]:
        """A vector a word, [V,H]."""

    def word_pieces(self, words: Sequence[str]) -> Sequence[Sequence[str]]:
        """The pieces that the tokenizer makes of each word, [V]."""

    def first_layers(self, layers: int, pieces: Sequence[str], max_tokens: int, tuned: bool) -> FirstLayers:
        """What a small encoder starts from, fitted or, not `tuned`, as it was before.

        Raises:
            RecipeError: the encoder is of another kind, or smaller.
        """


@dataclass(frozen=True)
class Unfitted:
    """A teacher before it is fitted: what it will be, and how to fit it on some of the rows."""

    description: str
    licence: str
    weights_sha256: str | None
    versions: Mapping[str, str]  # of the libraries that fit it, by package
    identity: tuple[str, ...]  # what else decides what is learned, beside section, rows and seed: weights, code
    # Rows, the name of the part, the folder of a part of this name, and how to call it in messages.
    fit: Callable[[Rows, str, Callable[[str], Path], str], Model]
    file: Callable[[Path], Path] | None  # the whole model's file in its folder; None: not ours to fit or to run
    seconds: float = 0.0  # about, that fitting it and asking it take, where that is known before
    too_long: str = ""  # why a stack does better without it, where it cannot be made to fit `teacher.max_minutes`


@dataclass(frozen=True)
class Teacher:
    """The heavy model, and its twins that each left a fold of the training rows out."""

    id: str  # 32 hex digits over everything it was made from
    description: str
    licence: str
    weights_sha256: str | None
    versions: Mapping[str, str]  # of the libraries that fitted it
    kilobytes: float | None  # of the fitted model on disk, in units of 1000 bytes; None: it is not ours to run
    full: Model
    folds: tuple[Model, ...] = ()  # folds[i] never saw the rows with fold_of(rows, len(folds), by_row) == i
    by_row: bool = False  # whether folds part the rows of a family: `distill.data.keys`
    members: tuple[Teacher, ...] = ()  # of a stack

    @property
    def encoder(self) -> Encoder | None:
        """The encoder that it is, or that is one of its members."""
        if isinstance(self.full, Encoder):
            return self.full
        return next((member.full for member in self.members if isinstance(member.full, Encoder)), None)

    def logits(self, rows: Rows) -> np.typing.NDArray[np.float32]:
        """The full model's logits [N,K], cached by content."""
        return self._cached("full", self.full, rows)

    def fold_logits(self, fold: int, rows: Rows) -> np.typing.NDArray[np.float32]:
        """Logits [N,K] of the model that never saw the rows of one fold, cached by content."""
        return self._cached(f"fold{fold}", self.folds[fold], rows)

    def out_of_fold_logits(self, rows: Rows) -> np.typing.NDArray[np.float32]:
        """Logits [N,K] for training rows, each by a model that never saw the row; the full model's without folds."""
        if not self.folds:
            return self.logits(rows)
        places = fold_of(rows, len(self.folds), self.by_row)
        order = np.argsort(places, kind="stable")
        parts = [
            self.fold_logits(i, rows.take(places == i))
            for i in range(len(self.folds))
            if (places == i).any()  # of few rows, none may fall into a fold
        ]
        return np.concatenate(parts)[np.argsort(order, kind="stable")]

    def _cached(self, part: str, model: Model, rows: Rows) -> np.typing.NDArray[np.float32]:
        content = cache.digest("".join(rows.keys.tolist()).encode())
        path = cache.root() / "logits" / f"{cache.key('logits', self.id, part, content)}.npy"
        return cache.array(path, lambda: model.logits(rows))
