"""How long a student trains where the recipe does not say: few rows want small batches and more passes over them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distill.recipe.schema import Recipe, Student

FEW_ROWS = 5000  # from here on batches are as large as the recipe's default
_SMALL_BATCH = 32
_MAX_EPOCHS = 150
# Updates under which a student has not settled. Of columns: 6,000 rows in five classes scored 0.70 in 940 of them, 0.75
# in 6,000, of a teacher's 0.76.
_MIN_STEPS = {"mlp": 6000, "embedded": 6000, "conv": 600, "static": 600, "gru": 600, "mini": 600}
# Words, as often as they are read, after which a student of texts has gained most of what it can. What a transfer set
# has beyond a labelled one is then worth more than a second look at it.
_MANY_ROWS = 100_000
_WORDS = {"conv": 65_000_000, "static": 65_000_000, "gru": 20_000_000, "mini": 12_000_000}  # for about equal times
_ROWS = {"conv": 300_000, "static": 300_000, "gru": 300_000, "mini": 100_000}  # at least, however long they are
_MOST_EPOCHS = 20
_MOST_EPOCHS_OF_KIND = {"mini": 4}  # they start near the goal
_USUAL_LENGTH = 17.0  # words a text
# Of large transfer sets; what the teacher's own layers want is what it took to fine-tune them.
_OF_MANY: dict[str, object] = {"batch_size": 256, "learning_rate": 3e-3}
_OF_KIND: dict[str, dict[str, object]] = {
    "mini": {"batch_size": 64, "learning_rate": 3e-4, "dropout": 0.1, "precision": "bfloat16"},
}
# Students of columns train to the end, where the learning rate is low: on 50,000 rows, copies among them, the best of
# 20 epochs came 17th and scored 0.848, where one that stopped when nothing was gained in five had 0.838.
_TO_THE_END = frozenset({"mlp", "embedded"})


def fit(recipe: Recipe, rows: int, length: float = _USUAL_LENGTH) -> Recipe:
    """The resolved recipe with `student.batch_size`, `epochs`, `patience` and the like set for `rows` training rows.

    What the recipe names itself stays, and so do batches and epochs from FEW_ROWS rows on, if they make steps enough.
    `length`: words that are read of a text, on the mean. A fitted recipe comes back equal.
    """
    student, kind = recipe.student, recipe.student.kind or "mlp"
    rows *= 1 + recipe.transfer.augment
    defaults = (_OF_MANY if rows >= _MANY_ROWS and kind in _WORDS else {}) | _OF_KIND.get(kind, {})
    student = _left_open(student, defaults)
    batch, epochs, patience = student.batch_size, student.epochs, student.patience
    if kind in _WORDS and "epochs" not in student.model_fields_set:
        enough = max(round(_WORDS[kind] / (rows * max(1.0, length))), math.ceil(_ROWS[kind] / rows))
        epochs = max(1, min(_MOST_EPOCHS_OF_KIND.get(kind, _MOST_EPOCHS), enough))
    if rows < FEW_ROWS or epochs * math.ceil(rows / batch) < _MIN_STEPS[kind]:
        batch = min(batch, _SMALL_BATCH) if rows < FEW_ROWS else batch
        steps_an_epoch = math.ceil(rows / (student.batch_size if "batch_size" in student.model_fields_set else batch))
        if "epochs" not in student.model_fields_set:
            epochs = max(epochs, min(_MAX_EPOCHS, math.ceil(_MIN_STEPS[kind] / steps_an_epoch)))
        patience = max(patience, epochs // 3)
    wanted = {"batch_size": batch, "epochs": epochs, "patience": epochs if kind in _TO_THE_END else patience}
    return recipe.model_copy(update={"student": _left_open(student, wanted)})


def alone(recipe: Recipe, rows: int, length: float = _USUAL_LENGTH) -> Recipe:
    """The same for a student that has no copies of the training rows to learn from: it sees those rows oftener.

    A twin that had only as many passes as a student of a large transfer set would look worse than it is. A batch size
    and the like are the student's.
    """
    student = fit(recipe, rows, length).student
    kind, copies = str(student.kind), recipe.transfer.augment
    if "epochs" in recipe.student.model_fields_set:
        most = _MOST_EPOCHS_OF_KIND.get(kind, _MOST_EPOCHS)
        epochs = max(student.epochs, min(most, student.epochs * (1 + copies)))
    else:
        bare = recipe.model_copy(update={"transfer": recipe.transfer.model_copy(update={"augment": 0})})
        epochs = max(student.epochs, fit(bare, rows, length).student.epochs)
    student = student.model_copy(update={"epochs": epochs, "patience": max(student.patience, epochs // 3)})
    return recipe.model_copy(update={"student": student})


def _left_open(student: Student, wanted: Mapping[str, object]) -> Student:
    """The section with `wanted` in the keys that it does not name."""
    return student.model_copy(update={k: v for k, v in wanted.items() if k not in student.model_fields_set})
