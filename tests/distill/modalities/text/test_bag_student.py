from __future__ import annotations

import numpy as np
import pytest
import torch

from distill.data.rows import Dataset
from distill.modalities.register import MODALITIES
from distill.recipe.schema import Student as Config
from distill.training import budget, train
from distill.training.train import Student
from tests.distill import made


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return made.text_dataset()


@pytest.fixture(scope="module")
def student(dataset: Dataset) -> Student:
    return made.student("bag", dataset, buckets=512, dropout=0.5)


def test_a_text_without_a_word_is_answered(student: Student) -> None:
    logits = train.logits(student, made.text_rows(["", " ", "good"]))
    assert np.isfinite(logits).all()
    assert (logits[0] == logits[1]).all()
    assert (logits[0] != logits[2]).any()


def test_ids_are_left_out_while_it_learns_and_never_when_it_answers(student: Student, dataset: Dataset) -> None:
    inputs = student.modality.batches(student.prelude, dataset.test).batch(np.arange(8))
    with torch.no_grad():
        answered = [student.network(*inputs) for _ in range(2)]
        student.network.train()
        learning = [student.network(*inputs) for _ in range(2)]
        student.network.eval()
    assert torch.equal(answered[0][0], answered[1][0])
    assert not torch.equal(learning[0][0], learning[1][0])
    assert torch.equal(learning[0][1], answered[0][1])  # how rare a text's words are is the same


def test_a_text_said_twice_over_keeps_its_answer_and_grows_by_the_root(student: Student) -> None:
    once, twice = "good film", "good film good film"
    head = student.network.head
    assert isinstance(head, torch.nn.Linear)
    with torch.no_grad():
        bias = head.bias.numpy()
    one, two = (train.logits(student, made.text_rows([text]))[0] - bias for text in (once, twice))
    cosine = one @ two / (np.linalg.norm(one) * np.linalg.norm(two))
    assert cosine > 0.8
    assert 1 < np.linalg.norm(two) / np.linalg.norm(one) < 2


def test_an_id_that_is_chosen_takes_some_seven_bytes_of_the_prelude_and_no_text_any(dataset: Dataset) -> None:
    few, many = (made.student("bag", dataset, buckets=buckets).prelude for buckets in (10, 90))
    assert 5 <= (many.model.ByteSize() - few.model.ByteSize()) / (many.width - few.width) <= 8


def test_where_a_recipe_leaves_it_open_a_bag_gets_the_table_and_the_time_of_its_kind() -> None:
    kind = MODALITIES["text"].students["bag"]
    size = budget.Size(9000, length=12.0)
    fitted = budget.fit(Config(kind="bag"), kind.budget, size)
    assert (fitted.buckets, fitted.epochs) == (14_000, 30)
    assert budget.fit(Config(kind="bag", buckets=999), kind.budget, size).buckets == 999
    long = budget.fit(Config(kind="bag"), kind.budget, budget.Size(45_000, length=60.0))
    assert long.epochs < 10
