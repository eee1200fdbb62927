"""A teacher's setting fits the size of the table, and what will take long is said before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill.data.rows import Dataset, Rows
from distill.recipe.schema import Teacher as Config
from distill.teachers import boosted_trees, fit, workload
from handler.bundle.contract import Input


def table(classes: int, rows: int, columns: int) -> Dataset:
    """`rows` a class for training, one for validation and for test."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(classes, columns))

    def part(each: int, name: str) -> Rows:
        labels = np.repeat(np.arange(classes), each)
        values = (centres[labels] + 0.3 * random.normal(size=(len(labels), columns))).astype(np.float32)
        keys = np.array([f"{name}{i}" for i in range(len(labels))], dtype=object)
        return Rows({f"c{i}": values[:, i] for i in range(columns)}, labels, keys)

    inputs = tuple(Input(f"c{i}", "float32", "number") for i in range(columns))
    labels = tuple(f"k{i}" for i in range(classes))
    parts = (part(rows, "a"), part(1, "b"), part(1, "c"))
    return Dataset("made", "tabular", inputs, labels, *parts, f"{classes}-{rows}-{columns}", "none", public=False)


@pytest.mark.parametrize(
    ("rows", "columns", "classes"), [(120, 4, 3), (142, 13, 3), (455, 30, 2), (160_000, 10, 2), (2400, 20, 30)]
)
def test_usual_tables_get_every_setting(rows: int, columns: int, classes: int) -> None:
    plan = boosted_trees.plan(workload.Size(rows, columns, classes), 10)
    assert [setting["max_iter"] for setting in plan.settings] == [200, 200, 200]
    assert plan.too_long == ""


def test_many_classes_get_one_setting_with_fewer_rounds() -> None:
    plan = boosted_trees.plan(workload.Size(3200, 20, 200), 10)
    [setting] = plan.settings
    assert 100 <= setting["max_iter"] < 200
    assert setting["learning_rate"] > 0.1
    assert plan.seconds <= 300
    assert plan.too_long == ""


def test_of_very_many_classes_a_stack_does_without_boosting_unless_it_is_given_the_time() -> None:
    size = workload.Size(8000, 20, 500)
    said = boosted_trees.plan(size, 10).too_long
    assert "500 classes" in said
    minutes = int(said.split("teacher.max_minutes to ")[1].split()[0])
    assert boosted_trees.plan(size, minutes).too_long == ""


def test_a_stack_of_very_many_classes_is_made_of_the_others_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path))
    config = Config(kind="stack", members=("boosted_trees", "linear"), max_minutes=0.01)
    teacher = fit.fit(config, table(12, 6, 3), 2, 0, tmp_path)
    assert "boosting" not in teacher.description
    assert "boosted trees of 72 rows, 3 columns, 12 classes" in capsys.readouterr().err


def test_boosted_trees_that_are_asked_for_by_name_are_fitted_and_it_is_said_how_long_they_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path))
    monkeypatch.setattr(fit, "_LONG_SECONDS", 0.0)
    teacher = fit.fit(Config(kind="boosted_trees", max_minutes=0.01), table(3, 6, 3), 1, 0, tmp_path)
    assert "boosting" in teacher.description
    assert "18 rows, 3 columns, 3 classes: about" in capsys.readouterr().err
