"""Where a recipe names no student: which of the usual kinds is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from distill.modalities import resolve
from distill.pipeline import teaching
from distill.pipeline.build_student import Draft
from distill.recipe.schema import BEST, Data, Recipe, Student

INPUTS: Any = None


def draft(kind: str) -> Draft:
    section = Student(kind=kind)
    return Draft(kind, section, section, prelude=None)  # type: ignore[arg-type]


def losing(monkeypatch: pytest.MonkeyPatch, losses: dict[str, np.ndarray]) -> None:
    """Students whose validation rows lose so much, by kind."""
    tried = lambda inputs, one: teaching._Tried(one, losses[str(one.config.kind)])  # noqa: E731
    monkeypatch.setattr(teaching, "_tried", tried)


def test_a_kind_that_is_better_beyond_chance_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).normal(size=200) * 0.1
    losing(monkeypatch, {"bag": 0.5 + noise, "conv": 0.4 + noise})
    assert teaching.best(INPUTS, [draft("bag"), draft("conv")]).config.kind == "conv"


def test_of_kinds_that_cannot_be_told_apart_the_first_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    losing(monkeypatch, {"bag": random.exponential(size=50), "conv": random.exponential(size=50) + 0.05})
    assert teaching.best(INPUTS, [draft("bag"), draft("conv")]).config.kind == "bag"


def test_a_single_kind_is_taken_without_teaching_it_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teaching, "_tried", lambda *_: pytest.fail("taught"))
    assert teaching.best(INPUTS, [draft("mlp")]).config.kind == "mlp"


def test_texts_without_a_named_student_try_what_is_usual_and_columns_have_one() -> None:
    texts = resolve.resolved(Recipe(name="x", data=Data(source="csv", path="x.csv", text="text", label="label")))
    columns = resolve.resolved(Recipe(name="x", data=Data(source="csv", path="x.csv", label="label")))
    assert texts.student.kind == BEST
    assert columns.student.kind == "mlp"
    assert resolve.resolved(texts) == texts
