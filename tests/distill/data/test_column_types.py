from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.data import column_types
from distill.data.readers.cells import Table
from distill.errors import DataError
from handler.bundle.contract import Input
from handler.modalities.levelling import HOLES, LEVELLED
from handler.modalities.numbers import POINT
from tests.distill.data.files import PATIENT, csv_text, every, load_bytes, patients


def column(*cells: str, kind: column_types.Kind | None = None) -> column_types.Column:
    table = Table("rows.csv", "line", {"x": np.array(cells, dtype=object)}, np.arange(2, len(cells) + 2))
    return column_types.read(table, "x", kind)


def test_numbers_categories_and_holes_are_told_apart(tmp_path: Path) -> None:
    dataset = load_bytes(tmp_path, csv_text(PATIENT, patients()), label="outcome")
    assert dataset.task == "tabular"
    assert dataset.inputs == (
        Input("age", "float32", "number", POINT),
        Input("colour", "string", "category", LEVELLED),
        Input("smoker", "string", "category", LEVELLED),
    )
    assert set(every(dataset, "colour")) == {"red", "green", "blue", ""}
    assert set(every(dataset, "smoker")) == {"true", "false"}
    assert dataset.train.columns["age"].dtype == np.float32
    assert any(np.isnan(age) for age in every(dataset, "age"))


def test_a_declared_type_overrules_what_is_inferred(tmp_path: Path) -> None:
    content = csv_text(("size", "ward", "label"), [(i * 1.5, i % 4, i % 2) for i in range(60)])
    dataset = load_bytes(tmp_path, content, types={"ward": "category"}, columns=["ward", "size"])
    assert dataset.inputs == (
        Input("ward", "string", "category", LEVELLED),
        Input("size", "float32", "number", POINT),
    )
    assert set(every(dataset, "ward")) == {"0", "1", "2", "3"}


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=30))
def test_any_numbers_are_numbers(numbers: list[float]) -> None:
    read = column(*map(repr, numbers), *sorted(HOLES))
    assert read.kind == "number"
    assert read.values[: len(numbers)].tolist() == numbers
    assert np.isnan(read.values[len(numbers) :]).all()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=30))
def test_any_cells_are_a_column_or_a_data_error(cells: list[str]) -> None:
    for kind in (None, "number", "category"):
        try:
            read = column(*cells, kind=kind)
        except DataError as error:
            assert "rows.csv" in str(error)
        else:
            assert len(read.values) == len(cells)


def test_whole_numbers_with_few_values_stay_numbers() -> None:
    assert column(*"0101101").kind == "number"


def test_a_few_words_among_numbers_count_as_missing_and_are_noted_by_line() -> None:
    read = column(*map(str, range(50)), "secret", *map(str, range(50)))
    assert read.kind == "number"
    assert np.isnan(read.values[50])
    assert "1 of 101 cells" in read.notes[0]
    assert "line 52" in read.notes[0]
    assert "secret" not in read.notes[0]


def test_one_word_for_every_hole_is_a_hole() -> None:
    read = column(*["unknown"] * 30, *map(str, range(50)))
    assert np.isnan(read.values[:30]).all()


def test_numbers_mixed_with_words_want_a_decision() -> None:
    with pytest.raises(DataError, match=r"50 cells are numbers, 10 are not, the first in line 52.*data\.types"):
        column(*map(str, range(50)), *"abcdefghij")
    assert column(*map(str, range(50)), *"abcdefghij", kind="number").kind == "number"


def test_decimal_commas_are_read_and_noted() -> None:
    read = column("1,5", "2,25", "3")
    assert read.values.tolist() == [1.5, 2.25, 3.0]
    assert "2 decimal commas" in read.notes[0]


def test_commas_that_may_part_thousands_are_refused() -> None:
    with pytest.raises(DataError, match=r"line 2.*thousands"):
        column("1,500", "2,000", "12")


def test_a_number_too_large_for_the_graph_counts_as_missing() -> None:
    assert np.isnan(column("1e39", *map(str, range(40))).values[0])


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["7"] * 30, "the same number"),
        (["a"] * 30, "the same value"),
        ([""] * 30, "empty"),
        ([f"name {i}" for i in range(30)], "no value of it occurs in 3 rows"),
        ([str(i) for i in range(1, 31)], "only numbers the rows"),
    ],
)
def test_a_column_that_carries_nothing_is_left_out_or_refused(tmp_path: Path, cells: list[str], reason: str) -> None:
    rows = [(cell, i * 1.5, i % 2) for i, cell in enumerate(cells)]
    content = csv_text(("x", "y", "label"), rows)
    dataset = load_bytes(tmp_path, content)
    assert [item.name for item in dataset.inputs] == ["y"]
    assert any(reason in note and "'x'" in note for note in dataset.notes)
    with pytest.raises(DataError, match=reason):
        load_bytes(tmp_path, content, columns=["x", "y"])


def test_a_row_number_declared_a_number_stays(tmp_path: Path) -> None:
    content = csv_text(("x", "label"), [(i, i % 2) for i in range(40)])
    assert load_bytes(tmp_path, content, types={"x": "number"}).inputs == (Input("x", "float32", "number", POINT),)


def test_json_lines_keep_types_and_leave_nested_keys_out(tmp_path: Path) -> None:
    records = [
        {"a": i / 2, "b": i % 2 == 0, "c": None if i % 3 else "q", "meta": {}, "label": i % 2} for i in range(60)
    ]
    dataset = load_bytes(tmp_path, "\n".join(map(json.dumps, records)), name="rows.jsonl")
    assert [item.kind for item in dataset.inputs] == ["number", "category", "category"]
    assert set(every(dataset, "b")) == {"true", "false"}
    assert any("'meta' is left out" in note for note in dataset.notes)


def test_a_lone_surrogate_in_json_is_replaced(tmp_path: Path) -> None:
    lines = "\n".join(f'{{"t": "{i} \\ud800!", "label": {i % 2}}}' for i in range(40))
    assert "7 \ufffd!" in every(load_bytes(tmp_path, lines, name="rows.jsonl", text="t"), "text")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", "empty"),
        ('{"a": 1}\n{"a":', "line 2 is not JSON"),
        ('[{"a": 1}]', "is one JSON array"),
        ("[1]\n[2]", "line 1 holds an array"),
        ("3", "line 1 holds a number"),
        ('{"a": 1, "a": 2}', "key 'a' twice"),
        ("[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_what_is_not_json_lines_is_refused_with_the_line(tmp_path: Path, content: str, wanted: str) -> None:
    with pytest.raises(DataError, match=wanted):
        load_bytes(tmp_path, content, name="rows.jsonl")


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table(
        {
            "a": [i + 0.5 for i in range(60)],
            "b": pyarrow.array(["q", "r", None] * 20).dictionary_encode(),
            "c": [True, False, None] * 20,
            "nested": [[1]] * 60,
            "label": pyarrow.array([i % 2 for i in range(60)], pyarrow.int8()),
        }
    )
    parquet.write_table(table, tmp_path / "made.parquet")
    content = (tmp_path / "made.parquet").read_bytes()
    dataset = load_bytes(tmp_path, content, name="rows.parquet")
    assert [item.kind for item in dataset.inputs] == ["number", "category", "category"]
    assert set(every(dataset, "c")) == {"true", "false", ""}
    assert dataset.labels == ("0", "1")
    for broken in (content[:-40], b"a,b\n1,2\n", b""):
        with pytest.raises(DataError, match="wanted Parquet|not a whole Parquet file"):
            load_bytes(tmp_path, broken, name="rows.parquet")
