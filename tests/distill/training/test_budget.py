"""How long a student trains where the recipe does not say."""

from __future__ import annotations

import pytest

from distill.modalities import resolve
from distill.modalities.modality import Budget
from distill.modalities.tabular.modality import TABULAR
from distill.modalities.text.modality import TEXT
from distill.recipe.schema import Student
from distill.training import budget
from distill.training.budget import Size

COPIES = 30


def text_student(*settings: str) -> Student:
    recipe, _ = resolve.load("sentiment", [f"student.{setting}" for setting in settings])
    return recipe.student


def of(student: Student) -> Budget:
    return TEXT.students[str(student.kind)].budget


def fit(student: Student, size: Size) -> Student:
    return budget.fit(student, of(student), size)


def test_the_more_rows_there_are_the_fewer_times_each_is_read() -> None:
    epochs = [fit(text_student(), Size(20_000, copies)).epochs for copies in (0, 10, 30, 200)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == 20
    assert epochs[-1] == 1


def test_long_texts_are_read_fewer_times_than_short_ones_but_not_too_few() -> None:
    short, long, longest = (fit(text_student(), Size(40_000, 3, words)).epochs for words in (17, 60, 9999))
    assert short > long >= longest >= 2


def test_the_teachers_own_layers_are_tuned_as_layers_are() -> None:
    student = fit(text_student("kind=mini"), Size(20_000, COPIES))
    assert (student.learning_rate, student.batch_size, student.precision) == (3e-4, 64, "bfloat16")
    assert fit(text_student("kind=mini", "learning_rate=1e-3"), Size(20_000, COPIES)).learning_rate == 1e-3


@pytest.mark.parametrize("named", [(), ("epochs=2",)])
def test_a_twin_without_copies_sees_its_rows_as_often_as_makes_up_for_them(named: tuple[str, ...]) -> None:
    made, size = text_student(*named), Size(20_000, COPIES)
    student, twin = fit(made, size), budget.alone(made, of(made), size)
    assert student.epochs == 2
    assert twin.epochs == 20
    same = {"epochs", "patience"}
    assert student.model_dump(exclude=same) == twin.model_dump(exclude=same)


def test_a_twin_of_a_student_without_copies_is_taught_as_long() -> None:
    made = text_student("epochs=6")
    assert budget.alone(made, of(made), Size(20_000)).epochs == 6


def columns_student(*settings: str) -> tuple[Student, Budget]:
    student = Student(kind="mlp", **dict(setting.split("=") for setting in settings))
    return student, TABULAR.students["mlp"].budget


def test_epochs_that_a_kind_of_student_begins_with_give_way_to_few_rows_and_to_many() -> None:
    student, its = columns_student()
    assert budget.fit(student, its, Size(400, 10)).epochs == 43  # of 35 steps: 1,500 are enough
    assert budget.fit(student, its, Size(20_000)).epochs == 40
    assert budget.fit(student, its, Size(20_000, 9)).epochs == 10  # 2,000,000 rows are read, copies among them
    named, _ = columns_student("epochs=7")
    assert budget.fit(named, its, Size(400)).epochs == budget.fit(named, its, Size(20_000, 9)).epochs == 7


def test_a_twin_of_columns_without_copies_makes_as_many_steps_as_settle_it() -> None:
    student, its = columns_student()
    size = Size(400, 10)
    twin = budget.alone(student, its, size)
    bare = budget.fit(student, its, Size(400))
    assert (twin.epochs, twin.batch_size, twin.patience) == (bare.epochs, 32, bare.epochs)
    assert -(-size.rows // twin.batch_size) * twin.epochs >= its.min_steps
    named, _ = columns_student("batch_size=64")
    assert budget.alone(named, its, size).batch_size == 64


@pytest.mark.parametrize("size", [Size(400), Size(400, 10), Size(6000, 10), Size(200_000)])
def test_a_section_that_was_fitted_comes_back_equal(size: Size) -> None:
    for student, its in (columns_student(), (text_student(), of(text_student()))):
        once = budget.fit(student, its, size)
        assert budget.fit(once, its, size) == once
