"""How long a student trains where the recipe does not say: few rows want small batches and more passes over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass

from distill.modalities.modality import Budget
from distill.recipe.schema import Student

FEW_ROWS = 4000  # copies among them; from here on batches are as large as the recipe's default
_SMALL_BATCH = 32
_MAX_EPOCHS = 150


@dataclass(frozen=True)
class Size:
    """How much there is to learn from."""

    rows: int  # for training, without copies
    copies: int = 0  # a row
    length: float = 17.0  # words that are read of a row, on the mean


def fit(student: Student, budget: Budget, size: Size) -> Student:
    """The student's section with `batch_size`, `epochs`, `patience` and the like set for so many rows.

    What the recipe names itself stays, and so do batches and epochs from FEW_ROWS rows on, if they make steps enough.
    A fitted section comes back equal.
    """
    rows = size.rows * (1 + size.copies)
    many = (budget.of_many or {}) if rows >= budget.many_rows else {}
    named = student.model_fields_set
    student = _left_open(student, {**many, **(budget.defaults or {})}, named)
    batch, epochs, patience = student.batch_size, student.epochs, student.patience
    if budget.words and "epochs" not in named:
        enough = max(round(budget.words / (rows * max(1.0, size.length))), math.ceil(budget.least_rows / rows))
        epochs = max(1, min(budget.most_epochs, enough))
    if budget.most_rows and "epochs" not in named:
        epochs = max(1, min(epochs, budget.most_rows // rows))
    if rows < FEW_ROWS or epochs * math.ceil(rows / batch) < budget.min_steps:
        batch = min(batch, _SMALL_BATCH) if rows < FEW_ROWS else batch
        steps_an_epoch = math.ceil(rows / (student.batch_size if "batch_size" in named else batch))
        if "epochs" not in named:
            epochs = max(epochs, min(_MAX_EPOCHS, math.ceil(budget.min_steps / steps_an_epoch)))
        patience = max(patience, epochs // 3)
    wanted = {"batch_size": batch, "epochs": epochs, "patience": epochs if budget.to_the_end else patience}
    return _left_open(student, wanted, named)


def alone(student: Student, budget: Budget, size: Size) -> Student:
    """The same for a student that has no copies of the training rows to learn from: it sees those rows oftener.

    A twin that had only as many passes as a student of a large transfer set would look worse than it is. A learning
    rate and the like are the student's, and so are batches, unless there are few rows to make them of.
    """
    fitted = fit(student, budget, size)
    batch = fitted.batch_size
    if "epochs" in student.model_fields_set:
        epochs = max(fitted.epochs, min(budget.most_epochs, fitted.epochs * (1 + size.copies)))
    else:
        bare, few = Size(size.rows, length=size.length), size.rows < FEW_ROWS
        settled = fit(student, budget, bare)
        epochs, batch = max(fitted.epochs, settled.epochs), min(batch, settled.batch_size) if few else batch
    to_the_end = budget.to_the_end and "patience" not in student.model_fields_set
    patience = epochs if to_the_end else max(fitted.patience, epochs // 3)
    return fitted.model_copy(update={"epochs": epochs, "patience": patience, "batch_size": batch})


def _left_open(student: Student, wanted: Mapping[str, object], named: Set[str]) -> Student:
    """The section with `wanted` in the keys that the recipe has not `named`."""
    return student.model_copy(update={key: value for key, value in wanted.items() if key not in named})
