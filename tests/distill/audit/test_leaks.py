"""A column that tells the label by itself stops a run until it is confirmed; honest columns do not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from distill.audit import leaks
from distill.data.load import load
from distill.errors import DataError
from distill.modalities import register
from distill.recipe.schema import Data
from tests.distill.data.files import csv_text


def checked(folder: Path, header: Sequence[str], rows: Sequence[Sequence[object]], **data: object) -> tuple[str, ...]:
    (folder / "rows.csv").write_text(csv_text((*header, "label"), rows))
    section = Data.model_validate({"source": "csv", "path": "rows.csv", "label": "label"} | data)
    return leaks.check(load(section, folder, register.of(section)), section)


def refusal(folder: Path, header: Sequence[str], rows: Sequence[Sequence[object]], **data: object) -> str:
    with pytest.raises(DataError) as caught:
        checked(folder, header, rows, **data)
    assert caught.value.exit_status == 2
    return str(caught.value)


def noise(seed: int) -> float:
    return round(random.Random(seed).gauss(0, 1), 4)


def rows(leak: Sequence[object], labels: Sequence[object]) -> list[tuple[object, ...]]:
    return [(noise(i), noise(-i - 1), cell, label) for i, (cell, label) in enumerate(zip(leak, labels, strict=True))]


HEADER = ("x", "y", "leak")
LABELS = ["no", "yes"] * 150
FILLED_IN_AFTER = [
    ("", "dear", "late")[i % 3] if label == "no" else ("won", "signed")[i % 2] for i, label in enumerate(LABELS)
]
LEAKS = {
    "a copy of the label": [label.upper() for label in LABELS],
    "values of one class each": FILLED_IN_AFTER,
    "filled in for one class": [noise(i) if label == "yes" else "" for i, label in enumerate(LABELS)],
    "a threshold": [noise(i) + (9 if label == "yes" else 0) for i, label in enumerate(LABELS)],
    "a number of a file sorted by class": [
        1000 + 3 * i + (5000 if label == "yes" else 0) for i, label in enumerate(LABELS)
    ],
    "all but one row in two hundred": [
        ("a" if label == "no" else "b") if i % 200 else "b" for i, label in enumerate(LABELS)
    ],
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_named_with_its_score_and_what_to_write(tmp_path: Path, name: str) -> None:
    message = refusal(tmp_path, HEADER, rows(LEAKS[name], LABELS))
    assert "Column 'leak' tells the label" in message and "% of rows it was not fitted on" in message
    assert 'data.allow_leaks = ["leak"]' in message and 'data.columns = ["x", "y"]' in message


@pytest.mark.parametrize("confirmed", [{"allow_leaks": ["leak"]}, {"columns": ["x", "leak"]}])
def test_a_confirmed_leak_is_a_note(tmp_path: Path, confirmed: dict[str, object]) -> None:
    notes = checked(tmp_path, HEADER, rows(LEAKS["a threshold"], LABELS), **confirmed)
    assert len(notes) == 1 and "'leak' tells the label" in notes[0] and "confirmed" in notes[0]


def test_a_leak_by_holes_says_so(tmp_path: Path) -> None:
    assert "whether it is filled in" in refusal(tmp_path, HEADER, rows(LEAKS["filled in for one class"], LABELS))


def test_many_classes_of_few_rows_that_follow_each_other_are_found(tmp_path: Path) -> None:
    labels = [f"kind {i // 20}" for i in range(600)]
    mixed = random.Random(0).sample(range(600), 600)
    message = refusal(tmp_path, HEADER, rows([2000 + 7 * i for i in mixed], [labels[i] for i in mixed]))
    assert "numbers rows that are sorted by class" in message


def test_a_column_of_customers_is_told_how_to_keep_them_together(tmp_path: Path) -> None:
    labels = ["no", "yes"] * 300
    customers = [f"c{i % 50}" for i in range(600)]
    assert 'data.group = "leak"' in refusal(tmp_path, HEADER, rows(customers, labels))


def test_a_class_that_is_rare_is_judged_by_itself(tmp_path: Path) -> None:
    labels = ["yes" if i % 50 == 0 else "no" for i in range(1000)]
    assert checked(tmp_path, HEADER, rows(["same" if i % 3 else "other" for i in range(1000)], labels)) == ()


def test_an_honest_column_that_is_often_right_is_no_leak(tmp_path: Path) -> None:
    often = [noise(i) + (3.2 if label == "yes" else 0) for i, label in enumerate(LABELS)]  # right in 95% of rows
    assert checked(tmp_path, HEADER, rows(often, LABELS)) == ()


def test_a_table_of_one_column_has_no_other_to_learn_from(tmp_path: Path) -> None:
    assert checked(tmp_path, ("x",), [(noise(i) + 9 * (i % 2), i % 2) for i in range(100)]) == ()


def test_a_name_that_is_no_input_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, HEADER, rows(LEAKS["a threshold"], LABELS), allow_leaks=["leek"])
    assert "data.allow_leaks names 'leek', which is no input. Did you mean 'leak'?" in message


@pytest.mark.parametrize("name", ["iris", "wine", "digits", "breast_cancer"])
def test_the_sets_that_everybody_knows_have_no_leak(tmp_path: Path, name: str) -> None:
    import sklearn.datasets  # noqa: PLC0415 - heavy, and of this test alone

    bunch = getattr(sklearn.datasets, f"load_{name}")()
    table = [(*row, f"class {label}") for row, label in zip(bunch.data.tolist(), bunch.target.tolist(), strict=True)]
    assert checked(tmp_path, [f"c{i}" for i in range(bunch.data.shape[1])], table) == ()
