"""The Pareto front of a sweep, its picture, and what `auto` takes of it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from distill.evaluation.evidence import GateResult
from distill.experiments import pareto, sweep
from distill.experiments.pareto import Point
from distill.experiments.sweep import Sweep
from distill.modalities import resolve
from distill.pipeline import candidates, model_selection
from distill.pipeline.model_selection import Tried
from distill.recipe.schema import Recipe
from handler.bundle.contract import Metric

PASSED = (GateResult("min_retention", 0.9, 0.95, True),)
FAILED = (GateResult("min_retention", 0.9, 0.85, False),)


def point(name: str, accuracy: float, kilobytes: float, microseconds: float, results: tuple = PASSED) -> Point:
    metric = Metric("accuracy", accuracy, accuracy - 0.02, accuracy + 0.02, 500)
    return Point(name, metric, metric, kilobytes, microseconds, 0.2, results)


SMALL, MIDDLE, LARGE = point("small", 0.70, 100, 30), point("middle", 0.72, 300, 80), point("large", 0.75, 900, 60)


def test_the_front_is_what_no_other_beats_in_accuracy_bytes_and_time() -> None:
    assert pareto.front([SMALL, MIDDLE, LARGE]) == (SMALL, MIDDLE, LARGE)
    better = point("better", 0.72, 200, 40)
    assert pareto.front([SMALL, MIDDLE, better]) == (SMALL, better)


def test_equal_points_stay_both() -> None:
    same = point("same", 0.70, 100, 30)
    assert pareto.front([SMALL, same]) == (SMALL, same)


def test_the_picture_names_every_student_and_comes_out_alike_twice() -> None:
    drawn = pareto.figure([SMALL, MIDDLE, LARGE], Metric("accuracy", 0.78, 0.76, 0.80, 500))
    ElementTree.fromstring(drawn)  # noqa: S314 - made here
    for word in ("small", "middle", "large", "teacher", "KB", "µs"):
        assert word in drawn
    assert drawn == pareto.figure([SMALL, MIDDLE, LARGE], Metric("accuracy", 0.78, 0.76, 0.80, 500))


def test_auto_takes_the_first_that_passes_and_the_table_says_which() -> None:
    points = (point("tiny", 0.6, 50, 20, FAILED), SMALL, LARGE)
    found = Sweep(points, Metric("accuracy", 0.78, 0.76, 0.80, 500), 500)
    assert found.chosen == "small"
    rows = {row[0]: row[-1] for row in sweep.sheet(found).rows}
    assert rows["tiny"] == "min_retention: 0.85, the limit is 0.9"
    assert rows["small"] == "passes: auto"
    assert rows["large"] == "passes"


def test_where_none_passes_auto_takes_nothing() -> None:
    assert Sweep((point("tiny", 0.6, 50, 20, FAILED),), Metric("a", 0.8, 0.8, 0.8, 9), 9).chosen is None


@pytest.mark.parametrize("task", ["text", "tabular"])
def test_the_ladder_keeps_what_the_recipe_says_of_every_student_and_drops_what_is_of_one_kind(task: str) -> None:
    name = {"text": "sentiment-quick", "tabular": "breast-cancer"}[task]
    made, _ = resolve.load(name, ["student.temperature=4.0", "student.width=64", "student.learning_rate=0.5"])
    for rung in candidates.rungs(made):
        assert rung.student.temperature == 4.0
        assert "learning_rate" not in rung.student.model_fields_set
    assert len({rung.name for rung in candidates.rungs(made)}) >= 4


def test_the_ladder_has_no_student_of_an_encoders_layers_where_none_teaches() -> None:
    made, _ = resolve.load("sentiment-quick")
    kinds = {rung.student.kind for rung in candidates.rungs(made)}
    assert kinds == {"static", "conv", "gru", "mini"}
    spoken = Recipe.model_copy(made, update={"teacher": made.teacher.model_copy(update={"kind": "precomputed"})})
    assert {rung.student.kind for rung in candidates.rungs(spoken)} == {"static", "conv", "gru"}


def test_the_nearest_is_the_one_with_the_least_to_gain() -> None:
    far = Tried("far", (GateResult("min_retention", 0.9, 0.5, False),))
    near = Tried("near", (GateResult("min_retention", 0.9, 0.89, False), GateResult("max_kilobytes", 100, 90, True)))
    assert far.shortfall > near.shortfall > 0
    assert "The nearest, near, lacks" in model_selection._nearest([far, near])
