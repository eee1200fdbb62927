"""The Pareto front of a sweep, its picture, and what `auto` takes of it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from distill.evaluation.evidence import GateResult, MeasuredContender
from distill.experiments import sweep
from distill.experiments.comparison import Compared, Comparison
from distill.experiments.sweep import Sweep
from distill.modalities import resolve
from distill.pipeline import candidates, model_selection
from distill.pipeline.model_selection import Tried
from distill.recipe.schema import Recipe
from handler.bundle.contract import Metric

PASSED = (GateResult("min_retention", 0.9, 0.95, True),)
FAILED = (GateResult("min_retention", 0.9, 0.85, False),)


def student(name: str, accuracy: float, kilobytes: float | None, microseconds: float) -> Compared:
    metric = Metric("accuracy", accuracy, accuracy - 0.02, accuracy + 0.02, 500)
    measured = MeasuredContender("student", name, metric, metric, metric, kilobytes, microseconds, microseconds)
    return Compared(name, measured, metric, metric, None)


def comparison(*students: Compared) -> Comparison:
    return Comparison(student("teacher", 0.78, 90_000, 9000), students, {}, (), {}, {}, 500)


TINY = student("tiny", 0.6, 50, 20)
SMALL, MIDDLE, LARGE = (
    student("small", 0.70, 100, 30),
    student("middle", 0.72, 300, 80),
    student("large", 0.75, 900, 60),
)


def test_the_front_is_what_no_other_beats_in_accuracy_bytes_and_time() -> None:
    assert sweep.front([SMALL, MIDDLE, LARGE]) == (SMALL, MIDDLE, LARGE)
    better = student("better", 0.72, 200, 40)
    assert sweep.front([SMALL, MIDDLE, better]) == (SMALL, better)


def test_a_student_of_unknown_size_beats_none_and_is_beaten_by_none() -> None:
    unknown = student("unknown", 0.9, None, 1)
    assert sweep.front([SMALL, unknown]) == (SMALL, unknown)


def test_equal_students_stay_both() -> None:
    same = student("same", 0.70, 100, 30)
    assert sweep.front([SMALL, same]) == (SMALL, same)


def test_the_picture_names_every_student_and_comes_out_alike_twice() -> None:
    drawn = sweep.figure(comparison(SMALL, MIDDLE, LARGE))
    ElementTree.fromstring(drawn)  # noqa: S314 - made here
    for word in ("small", "middle", "large", "teacher", "KB", "µs"):
        assert word in drawn
    assert drawn == sweep.figure(comparison(SMALL, MIDDLE, LARGE))


def test_auto_takes_the_first_that_passes_and_the_table_says_which() -> None:
    swept = Sweep(comparison(TINY, SMALL, LARGE), {"tiny": FAILED, "small": PASSED, "large": PASSED})
    assert swept.chosen == "small"
    rows = {row[0]: row[-1] for row in sweep.table(swept).rows}
    assert rows["tiny"] == "min_retention: 0.85, the limit is 0.9"
    assert rows["small"] == "passes: auto"
    assert rows["large"] == "passes"


def test_where_none_passes_auto_takes_nothing() -> None:
    assert Sweep(comparison(TINY), {"tiny": FAILED}).chosen is None


@pytest.mark.parametrize("task", ["text", "tabular"])
def test_the_ladder_keeps_what_the_recipe_says_of_every_student_and_drops_what_is_of_one_kind(task: str) -> None:
    name = {"text": "sentiment-quick", "tabular": "breast-cancer"}[task]
    made, _ = resolve.load(name, ["student.temperature=4.0", "student.width=64", "student.learning_rate=0.5"])
    for it in candidates.of(made):
        assert it.student.temperature == 4.0
        assert "learning_rate" not in it.student.model_fields_set
    assert len({it.name for it in candidates.of(made)}) >= 4


def test_the_ladder_has_no_student_of_an_encoders_layers_where_none_teaches() -> None:
    made, _ = resolve.load("sentiment-quick")
    kinds = {it.student.kind for it in candidates.of(made)}
    assert kinds == {"static", "conv", "bag", "gru", "mini"}
    spoken = Recipe.model_copy(made, update={"teacher": made.teacher.model_copy(update={"kind": "precomputed"})})
    assert {it.student.kind for it in candidates.of(spoken)} == {"static", "conv", "bag", "gru"}


def test_the_nearest_is_the_one_with_the_least_to_gain() -> None:
    far = Tried("far", (GateResult("min_retention", 0.9, 0.5, False),))
    near = Tried("near", (GateResult("min_retention", 0.9, 0.89, False), GateResult("max_kilobytes", 100, 90, True)))
    assert far.shortfall > near.shortfall > 0
    assert "The nearest, near, lacks" in str(model_selection.nothing_passes([far, near]))


def test_one_whose_gate_was_not_measured_is_never_the_nearest() -> None:
    unmeasured = Tried("unmeasured", (GateResult("min_gain_over_twin", 0.01, None, False),))
    far = Tried("far", (GateResult("min_retention", 0.9, 0.1, False),))
    assert "The nearest, far, lacks" in str(model_selection.nothing_passes([unmeasured, far]))
