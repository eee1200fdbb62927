from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from distill.data.keys import fold_of
from distill.data.rows import UNLABELLED, Rows
from distill.modalities.text.modality import TEXT
from distill.recipe.schema import Transfer
from distill.teachers.precomputed import PrecomputedModel
from distill.teachers.teacher import Teacher
from distill.training import soft_labels, train
from distill.training.soft_labels import SoftLabels
from tests.distill import made

NAN = float("nan")


@dataclass
class Remembering:
    """A model that says its own number, and keeps what it was asked."""

    number: float
    asked: list[str] = field(default_factory=list)

    def logits(self, rows: Rows) -> np.ndarray:
        self.asked += rows.columns["text"].tolist()
        return np.full((len(rows), 2), self.number, np.float32)

    def call_one(self, rows: Rows, place: int) -> None:
        return None


def teacher(folds: int) -> Teacher:
    return made.teacher(Remembering(-1.0), [Remembering(float(i)) for i in range(folds)] if folds > 1 else ())


def labelled(
    crew: Teacher, rows: Rows, config: Transfer, public: Sequence[str] = (), apart: Sequence[Rows] = ()
) -> SoftLabels:
    """The rows and varied copies of them."""
    return soft_labels.make(crew, rows, TEXT.augment(crew, rows, apart, config, public, 0))


@pytest.fixture
def rows(empty_cache: Path) -> Rows:
    return made.opinions(60, 3)


def test_without_folds_the_full_teacher_labels_every_row(rows: Rows) -> None:
    soft = soft_labels.make(teacher(1), rows, None)
    assert (soft.logits == -1).all()
    assert soft.rows.columns["text"].tolist() == rows.columns["text"].tolist()


def test_with_folds_each_row_is_labelled_by_the_teacher_that_never_saw_it(rows: Rows) -> None:
    crew = teacher(4)
    soft = soft_labels.make(crew, rows, None)
    places = fold_of(rows, 4)
    assert set(places.tolist()) == {0, 1, 2, 3}
    assert soft.logits[:, 0].tolist() == places.tolist()
    for place, model in enumerate(crew.folds):
        assert model.asked == rows.take(places == place).columns["text"].tolist()  # type: ignore[attr-defined]
    assert crew.full.asked == []  # type: ignore[attr-defined]


def test_a_fold_without_rows_asks_nobody(rows: Rows) -> None:
    few = rows.take(np.arange(3))
    crew = teacher(10)
    assert soft_labels.make(crew, few, None).logits[:, 0].tolist() == fold_of(few, 10).tolist()


def test_copies_are_labelled_by_the_teacher_of_all_rows_and_rows_by_the_one_that_never_saw_them(rows: Rows) -> None:
    crew = teacher(3)
    soft = labelled(crew, rows, Transfer(folds=3, augment=4, misspell=0))
    copies = soft.rows.columns["text"][len(rows) :].tolist()
    assert len(copies) > 2 * len(rows)
    assert soft.logits[: len(rows), 0].tolist() == fold_of(rows, 3).tolist()
    assert (soft.logits[len(rows) :] == -1).all()
    assert crew.full.asked == copies  # type: ignore[attr-defined]


def test_copies_carry_no_label_and_are_never_one_of_the_training_texts(rows: Rows) -> None:
    soft = labelled(teacher(1), rows, Transfer(augment=5))
    copies = soft.rows.take(np.arange(len(rows), len(soft.rows)))
    assert (copies.labels == UNLABELLED).all()
    texts = copies.columns["text"].tolist()
    assert not set(texts) & set(rows.columns["text"].tolist())
    assert len(set(texts)) == len(texts)
    assert len(set(soft.rows.keys.tolist())) == len(soft.rows)
    assert all(text.strip() for text in texts)
    assert soft.rows.labels[: len(rows)].tolist() == rows.labels.tolist()


def test_the_twin_learns_from_gold_labels_alone(rows: Rows) -> None:
    labels = rows.labels.copy()
    labels[::3] = UNLABELLED
    soft = labelled(teacher(1), replace(rows, labels=labels), Transfer(augment=1))
    twin = train.hard_labels(soft)
    assert len(twin.rows) == int((labels != UNLABELLED).sum())
    assert twin.rows.labelled.all()
    assert np.isnan(twin.logits).all()


def test_a_precomputed_teacher_is_silent_where_its_columns_are_empty(empty_cache: Path) -> None:
    rows = replace(
        made.text_rows(["a", "b", "c"]),
        teacher_probabilities=np.array([[0.25, 0.75], [NAN, NAN], [0.0, 1.0]], np.float32),
    )
    logits = soft_labels.make(made.teacher(PrecomputedModel()), rows, None).logits
    np.testing.assert_allclose(np.exp(logits[0]), [0.25, 0.75], rtol=1e-5)
    assert np.isnan(logits[1]).all()
    assert np.isfinite(logits[2]).all()
    assert logits[2].argmax() == 1


def test_answers_of_a_teacher_are_asked_for_once(rows: Rows) -> None:
    crew = teacher(1)
    first, second = crew.logits(rows), crew.logits(rows)
    assert first.tolist() == second.tolist()
    assert len(crew.full.asked) == len(rows)  # type: ignore[attr-defined]


def test_a_copy_that_equals_a_row_kept_apart_is_left_out(rows: Rows) -> None:
    free = labelled(teacher(1), rows, Transfer(augment=3))
    copies = free.rows.take(np.arange(len(rows), len(free.rows)))
    apart = copies.take(np.arange(5))
    soft = labelled(teacher(1), rows, Transfer(augment=3), apart=(apart,))
    assert not set(apart.columns["text"].tolist()) & set(soft.rows.columns["text"].tolist())
    assert len(soft.rows) == len(soft.logits)


class Seeing(made.SmallEncoder):
    """An encoder for which words are near whose first letters are."""

    def word_vectors(self, words: Sequence[str]) -> np.ndarray:
        angle = np.array([ord(word[0]) for word in words], np.float32) / 100
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_words_of_a_public_list_come_up_in_the_copies(rows: Rows) -> None:
    crew = made.teacher(Seeing())
    config = Transfer(augment=3, misspell=0, replace=0.5)
    soft = labelled(crew, rows, config, ("goodly", "baddish"))
    words = {word for text in soft.rows.columns["text"] for word in text.split()}
    assert {"goodly", "baddish"} < words <= {*made.WORDS, "goodly", "baddish"}
    plain = labelled(crew, rows, Transfer(augment=3, misspell=0, replace=0), ("goodly",))
    assert {word for text in plain.rows.columns["text"] for word in text.split()} <= set(made.WORDS)
