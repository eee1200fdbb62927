"""Near copies of rows of columns: found where they are no accident."""

from __future__ import annotations

import numpy as np
import pytest

from distill.modalities.modality import Columns
from distill.modalities.tabular import near_duplicates

ROWS = 200


def numbers(columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ROWS, columns))


def table(values: np.ndarray) -> Columns:
    return {f"x{place}": values[:, place].astype(np.float32) for place in range(values.shape[1])}


def found(columns: Columns) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for level in near_duplicates.pairs(columns) for pair in level.tolist()}


COPIES = {(i, i + ROWS) for i in range(ROWS)}


def test_rows_that_differ_by_hardly_anything_are_copies() -> None:
    values = numbers(8)
    assert found(table(np.concatenate([values, values * (1 + 1e-6)]))) == COPIES


@pytest.mark.parametrize("column", [0, 7])
def test_rows_that_differ_in_one_column_are_copies(column: int) -> None:
    values, other = numbers(8), numbers(8)
    other[:, column] = numbers(8, seed=1)[:, column]
    assert found(table(np.concatenate([values, other]))) == COPIES


def test_a_category_in_other_letters_makes_no_other_row() -> None:
    values = numbers(8)
    columns = {
        **table(np.concatenate([values, values])),
        "city": np.array(["Bern"] * ROWS + ["BERN "] * ROWS, dtype=object),
    }
    assert found(columns) == COPIES


def test_nothing_is_said_of_tables_in_which_rows_agree_by_accident() -> None:
    random = np.random.default_rng(0)
    levels = {f"c{place}": random.choice(["a", "b", "c"], size=ROWS).astype(object) for place in range(9)}
    assert found(levels) == set()
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 4), axis=-1).reshape(-1, 4)
    assert found(table(grid)) == set()


def test_honest_rows_are_no_copies_and_holes_are_values() -> None:
    values = numbers(8)
    values[numbers(8, seed=2) > 1] = np.nan
    assert found(table(values)) == set()
    assert found({"x": np.zeros(5, np.float32)}) == set()
