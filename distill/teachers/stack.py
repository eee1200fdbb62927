"""Several teachers as one: the weighted geometric mean of their probabilities.

Stacking (Wolpert, 1992) with a log-linear pool (Genest and Zidek, 1986): the weights are those under which rows that no
member was fitted on are most likely, and as they need not add up to one, they calibrate the mean as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from distill.data.rows import Rows
from distill.errors import RecipeError
from distill.teachers.teacher import Teacher

# A member without which the held-out rows lose less than this in mean log-likelihood adds nothing.
_WORTH_KEEPING = 5e-4
_MOST = 4.0  # of a weight: beyond, a member of few rows is trusted without bound

Floats = np.typing.NDArray[np.float32]


@dataclass(frozen=True)
class StackModel:
    """The members' models of one part, together: of all training rows, or without one fold."""

    members: tuple[Teacher, ...]
    weights: tuple[float, ...]
    fold: int | None = None

    def logits(self, rows: Rows) -> Floats:
        """Log-probabilities [N,K]."""
        answers = [
            member.logits(rows) if self.fold is None else member.fold_logits(self.fold, rows) for member in self.members
        ]
        return pooled(answers, self.weights)

    def call_one(self, rows: Rows, place: int) -> None:
        """Every member in turn."""
        for member in self.members:
            member.full.call_one(rows, place)


@dataclass(frozen=True)
class Weighted:
    """Members that earn their place, and their weights."""

    members: tuple[Teacher, ...]
    weights: tuple[float, ...]


def weigh(members: Sequence[Teacher], train: Rows) -> Weighted:
    """Weights by the likelihood of labelled training rows, each answered by models that never saw it.

    Raises:
        RecipeError: the members have no such models.
    """
    if any(not member.folds for member in members):
        raise RecipeError("teacher.kind 'stack' weighs its members on held-out rows. Set transfer.folds to 2 or more.")
    answers = [_normalised(member.out_of_fold_logits(train)) for member in members]
    kept = list(range(len(members)))
    weights, loss = _fitted([answers[i] for i in kept], train.labels)
    while len(kept) > 1:
        others = [_fitted([answers[i] for i in kept if i != left_out], train.labels) for left_out in kept]
        place = int(np.argmin([found[1] for found in others]))
        if others[place][1] > loss + _WORTH_KEEPING:
            break
        weights, loss = others[place]
        del kept[place]
    return Weighted(tuple(members[i] for i in kept), tuple(round(float(weight), 4) for weight in weights))


def pooled(answers: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Log-probabilities [N,K] of the weighted geometric mean of answers, each log-probabilities or logits [N,K]."""
    summed = sum(weight * _normalised(answer) for weight, answer in zip(weights, answers, strict=True))
    found: Floats = log_softmax(np.asarray(summed, np.float64), axis=1).astype(np.float32)
    return found


def _normalised(logits: Floats) -> np.typing.NDArray[np.float64]:
    found: np.typing.NDArray[np.float64] = log_softmax(logits.astype(np.float64), axis=1)
    return found


def _fitted(
    answers: Sequence[np.typing.NDArray[np.float64]], labels: np.typing.NDArray[np.int64]
) -> tuple[np.typing.NDArray[np.float64], float]:
    """The weights [M] with the smallest mean negative log-likelihood, and that: a convex problem."""
    every = np.stack(answers)  # [M,N,K]
    rows = np.arange(len(labels))
    gold = every[:, rows, labels]  # [M,N]

    def loss(weights: np.typing.NDArray[np.float64]) -> tuple[float, np.typing.NDArray[np.float64]]:
        summed = np.tensordot(weights, every, 1)
        expected = (softmax(summed, axis=1)[None] * every).sum(axis=2)
        return -float(log_softmax(summed, axis=1)[rows, labels].mean()), (expected - gold).mean(axis=1)

    start = np.full(len(every), 1 / len(every))
    found = minimize(loss, start, jac=True, bounds=[(0, _MOST)] * len(every), method="L-BFGS-B")
    return found.x, float(found.fun)
