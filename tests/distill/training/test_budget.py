"""How long a student trains where the recipe does not say."""

from __future__ import annotations

import pytest

from distill.recipe import schema
from distill.recipe.schema import Recipe
from distill.training import budget


def text_recipe(*settings: str) -> Recipe:
    return schema.load("sentiment", [f"student.{setting}" for setting in settings])


def with_copies(made: Recipe, copies: int) -> Recipe:
    return made.model_copy(update={"transfer": made.transfer.model_copy(update={"augment": copies})})


def test_the_more_rows_there_are_the_fewer_times_each_is_read() -> None:
    epochs = [budget.fit(with_copies(text_recipe(), copies), 20_000).student.epochs for copies in (0, 10, 30, 200)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == 20
    assert epochs[-1] == 1


def test_long_texts_are_read_fewer_times_than_short_ones_but_not_too_few() -> None:
    made = with_copies(text_recipe(), 3)
    short, long, longest = (budget.fit(made, 40_000, words).student.epochs for words in (17, 60, 9999))
    assert short > long >= longest >= 2


def test_the_teachers_own_layers_are_tuned_as_layers_are() -> None:
    student = budget.fit(text_recipe("kind=mini"), 20_000).student
    assert (student.learning_rate, student.batch_size, student.precision) == (3e-4, 64, "bfloat16")
    assert budget.fit(text_recipe("kind=mini", "learning_rate=1e-3"), 20_000).student.learning_rate == 1e-3


@pytest.mark.parametrize("named", [(), ("epochs=2",)])
def test_a_twin_without_copies_sees_its_rows_as_often_as_makes_up_for_them(named: tuple[str, ...]) -> None:
    made = text_recipe(*named)
    student, twin = budget.fit(made, 20_000).student, budget.alone(made, 20_000).student
    assert student.epochs == 2
    assert twin.epochs == 20
    same = {"epochs", "patience"}
    assert student.model_dump(exclude=same) == twin.model_dump(exclude=same)


def test_a_twin_of_a_student_without_copies_is_taught_as_long() -> None:
    made = with_copies(text_recipe("epochs=6"), 0)
    assert budget.alone(made, 20_000).student.epochs == 6
