from __future__ import annotations

import re
from pathlib import Path

import pytest

from distill.errors import RecipeError
from distill.modalities import resolve
from distill.recipe import cost_matrix, schema
from handler.bundle.costs import Costs
from tests.distill.recipe.test_recipe import MAIL, load, refusal

LABELS = ("harmless", "venomous", "unknown")


def section(text: str, folder: Path) -> schema.Costs:
    return load(folder, MAIL + text).costs


def test_without_the_section_no_mistake_has_a_price(tmp_path: Path) -> None:
    for text in ("", "[costs]\n"):
        assert not section(text, tmp_path).are_set
        assert cost_matrix.of(section(text, tmp_path), LABELS) is None


def test_a_default_alone_prices_all_mistakes_alike(tmp_path: Path) -> None:
    found = cost_matrix.of(section("[costs]\ndefault = 1\n", tmp_path), LABELS)
    assert found == Costs(((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0)))


def test_one_decision_goes_before_a_missed_class_and_that_before_the_default(tmp_path: Path) -> None:
    text = "[costs]\nabstain = 0.5\nmissed.venomous = 20\n[costs.of.venomous]\nharmless = 200\n"
    found = cost_matrix.of(section(text, tmp_path), LABELS)
    assert found == Costs(((0.0, 1.0, 1.0), (200.0, 0.0, 20.0), (1.0, 1.0, 0.0)), 0.5)


def test_a_right_decision_may_have_a_price_too(tmp_path: Path) -> None:
    found = cost_matrix.of(section("[costs.of.venomous]\nvenomous = 2\n", tmp_path), LABELS)
    assert found is not None
    assert found.matrix[1] == (1.0, 2.0, 1.0)


def test_a_label_is_found_however_a_reader_of_files_would_read_it(tmp_path: Path) -> None:
    found = cost_matrix.of(section('[costs]\nmissed." venomous " = 20\n', tmp_path), LABELS)
    assert found is not None
    assert found.matrix[1] == (20.0, 0.0, 20.0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[costs]\nmissed.venomus = 20\n", "costs.missed names 'venomus', which is no label.*Did you mean 'venomous'"),
        (
            "[costs.of.snake]\nharmless = 1\n",
            "costs.of names 'snake'.*Its labels are 'harmless', 'venomous', 'unknown'",
        ),
        ("[costs.of.venomous]\nharmles = 1\n", "costs.of.venomous names 'harmles'.*Did you mean 'harmless'"),
    ],
)
def test_a_label_that_the_data_has_not_is_told_with_the_nearest(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(RecipeError, match=wanted):
        cost_matrix.of(section(text, tmp_path), LABELS)
    with pytest.raises(RecipeError, match="gates.max_missed names 'venomus'.*Did you mean 'venomous'"):
        cost_matrix.check_gates(schema.Gates(max_missed={"venomus": 0.1}), LABELS)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[costs]\nmissed.a = -1\n", "costs.missed.a is -1.*wanted at least 0"),
        ("[costs]\nmissed.a = nan\n", "costs.missed.a is .*wanted a"),
        ("[costs]\nabstain = inf\n", "costs.abstain is .*wanted a"),
        ("[costs]\nabstain = '1'\n", "costs.abstain is '1'.*wanted a number"),
        ("[costs.of]\na = 3\n", "costs.of.a is 3.*wanted a section"),
        ("[costs]\nmisssed.a = 3\n", "unknown key 'costs.misssed'. Did you mean 'costs.missed'"),
        ("[gates]\nmax_missed.a = 2\n", "gates.max_missed.a is 2.*wanted at most 1"),
    ],
)
def test_a_price_that_is_none_is_told(tmp_path: Path, text: str, wanted: str) -> None:
    message = refusal(tmp_path, MAIL + text)
    assert re.search(wanted, message), message


@pytest.mark.parametrize("gate", ["max_expected_cost = 0.3", "max_missed.spam = 0.1"])
def test_a_gate_on_costs_wants_costs(tmp_path: Path, gate: str) -> None:
    recipe = load(tmp_path, f"{MAIL}[gates]\n{gate}\n")
    with pytest.raises(RecipeError, match=r"is about \[costs\], and there are none"):
        resolve.resolved(recipe)
    assert resolve.resolved(load(tmp_path, f"{MAIL}[gates]\n{gate}\n[costs]\ndefault = 1\n"))


def test_a_price_of_abstaining_that_no_answer_pays_is_noted() -> None:
    alike = ((0.0, 1.0), (1.0, 0.0))
    assert cost_matrix.highest(Costs(alike)) == pytest.approx(0.5)
    assert cost_matrix.highest(Costs(((0.0, 1.0), (20.0, 0.0)))) == pytest.approx(20 / 21)
    [note] = cost_matrix.notes(Costs(alike, 0.5), ("a", "b"))
    assert "no answer abstains" in note and "0.5" in note
    assert list(cost_matrix.notes(Costs(alike, 0.49), ("a", "b"))) == []
    assert list(cost_matrix.notes(Costs(alike), ("a", "b"))) == []


def test_prices_that_decide_by_themselves_are_noted() -> None:
    [free] = cost_matrix.notes(Costs(((0.0, 0.0), (20.0, 0.0))), ("harmless", "venomous"))
    assert "'venomous' never costs anything" in free
    [every] = cost_matrix.notes(Costs(((0.0, 1.0), (1.0, 0.0)), 0.0), ("a", "b"))
    assert "costs.abstain is 0" in every
