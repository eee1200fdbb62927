from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from distill.errors import RecipeError
from distill.experiments.proving_ground.sets import catalogue, proving_set
from distill.experiments.proving_ground.sets.proving_set import TABLES, TEXTS, Cells, ProvingSet
from distill.recipe.schema import Evaluation, Gates, Serving, Student, Teacher, Transfer

ROWS = [(f"text {i}", "even" if i % 2 == 0 else "odd") for i in range(200)]


def test_a_sample_is_the_same_whatever_order_the_source_has() -> None:
    one = proving_set.sample(proving_set.texts(ROWS), most=120)
    other = proving_set.sample(proving_set.texts(ROWS[::-1]), most=120)
    assert one.rows == other.rows
    assert len(one.rows) == 120


def test_classes_with_few_rows_in_the_sample_are_left_out() -> None:
    rows = [*ROWS, *((f"rare {i}", "rare") for i in range(29)), *((f"kept {i}", "kept") for i in range(30))]
    counts = Counter(label for _, label in proving_set.sample(proving_set.texts(rows)).rows)
    assert counts == {"even": 100, "odd": 100, "kept": 30}


def test_an_input_comes_once_and_a_row_without_a_label_not_at_all() -> None:
    rows = [*ROWS, *ROWS[:50], ("text 0", "odd"), ("nobody knows", "")]
    found = proving_set.sample(proving_set.texts(rows)).rows
    assert sorted(found) == sorted(ROWS)


def test_a_large_class_does_not_crowd_out_a_small_one() -> None:
    rows = [*((f"a {i}", "large") for i in range(500)), *((f"b {i}", "small") for i in range(40))]
    assert Counter(label for _, label in proving_set.even(rows, 50)) == {"large": 50, "small": 40}


@pytest.mark.parametrize("chapter", [TEXTS, TABLES])
def test_a_recipe_sets_columns_and_nothing_else(chapter: str, empty_cache: Path) -> None:
    one = ProvingSet("made", chapter, "", "", "", make=lambda: Cells(("text", "label"), ROWS), module=__name__)
    recipe = proving_set.recipe(one, 7)
    assert recipe.seed == 7
    assert recipe.data.model_fields_set <= {"source", "path", "label", "text", "split"}
    assert (recipe.data.label, recipe.data.text) == ("label", "text" if chapter == TEXTS else None)
    whole = (recipe.teacher, recipe.transfer, recipe.student, recipe.serving, recipe.evaluation, recipe.gates)
    assert whole == (Teacher(), Transfer(), Student(), Serving(), Evaluation(), Gates())


def test_a_file_is_made_once(empty_cache: Path) -> None:
    made = []

    def make() -> Cells:
        made.append(1)
        return proving_set.texts([('a "text", of\ntwo lines', "odd"), *ROWS])

    one = ProvingSet("made", TEXTS, "", "", "", make=make, module=__name__)
    path = proving_set.file(one)
    assert proving_set.file(one) == path
    assert made == [1]
    with path.open(newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(lines)
    assert header == ["text", "label"]
    assert ['a "text", of\ntwo lines', "odd"] in rows


def test_the_catalogue_has_enough_of_each_and_says_where_it_comes_from() -> None:
    sets = catalogue.every(Path("bank.csv"))
    assert len({one.name for one in sets}) == len(sets)
    chapters = Counter(one.chapter for one in sets)
    assert chapters[TEXTS] >= 8
    assert chapters[TABLES] >= 10
    for one in sets:
        assert one.about and one.package and one.licence
        assert (one.data is None) != (one.make is None)
        assert "modeldata" not in one.package and "AER" not in one.package  # they judge elsewhere
    assert "bank-questions" not in {one.name for one in catalogue.every()}


def test_sets_are_chosen_by_name_and_a_mistyped_one_is_told_the_nearest() -> None:
    known = catalogue.every()
    assert [one.name for one in catalogue.chosen(("wine", "bible"), known)] == ["bible", "wine"]
    assert catalogue.chosen((), known) == known
    with pytest.raises(RecipeError, match="no set 'wordnet-glosses'.* It has: vader-icwsm14"):
        catalogue.chosen(("wordnet-glosses",), known)
    with pytest.raises(RecipeError, match="Did you mean fortunes?"):
        catalogue.chosen(("fortune",), known)
