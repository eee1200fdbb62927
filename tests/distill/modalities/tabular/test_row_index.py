"""Columns that another program left to number the rows are left out; honest whole numbers stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill.modalities.tabular import row_index
from tests.distill.data.files import csv_text, load_bytes

GAPS = [i for i in range(300) if i % 7 and i % 11]
SHUFFLED = np.random.default_rng(0).permutation(GAPS).tolist()


@pytest.mark.parametrize(
    "name", ["Unnamed: 0", "Unnamed: 0.1", "level_0", "index", "X", "...1", "row", "Row No.", "anything"]
)
def test_row_numbers_with_gaps_are_found(name: str) -> None:
    assert row_index.reason(name, np.array(GAPS, np.float32)) == row_index.LEFT_BEHIND


@pytest.mark.parametrize("name", ["Unnamed: 0", "index", "X", "row"])
def test_their_order_does_not_matter_where_the_name_says_it(name: str) -> None:
    assert row_index.reason(name, np.array(SHUFFLED, np.float32)) == row_index.LEFT_BEHIND


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("year", range(1900, 2000)),
        ("price", SHUFFLED),
        ("x", [3 * i for i in range(100)]),
        ("index", [1.5 * i for i in range(100)]),
        ("index", [i % 5 for i in range(100)]),
        ("balance", [i - 50 for i in range(100)]),
    ],
)
def test_other_numbers_stay(name: str, cells: list[float]) -> None:
    assert row_index.reason(name, np.array(cells, np.float32)) is None


def test_an_index_left_from_a_file_sorted_by_class_teaches_nothing(tmp_path: Path) -> None:
    rows = [(i, np.sin(i), "ab"[i > 150]) for i in SHUFFLED]
    dataset = load_bytes(tmp_path, csv_text(("Unnamed: 0", "x", "label"), rows))
    assert [item.name for item in dataset.inputs] == ["x"]
    assert any("'Unnamed: 0' is left out: it numbers the rows" in note for note in dataset.notes)
    kept = load_bytes(tmp_path, csv_text(("Unnamed: 0", "x", "label"), rows), types={"Unnamed: 0": "number"})
    assert [item.name for item in kept.inputs] == ["Unnamed: 0", "x"]
