from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.data.keys import fold_of
from distill.data.rows import UNLABELLED, Rows
from distill.modalities.tabular import augment
from distill.modalities.tabular.modality import TABULAR
from distill.recipe.schema import Teacher as TeacherConfig
from distill.recipe.schema import Transfer
from distill.teachers import fit as teachers
from distill.training import soft_labels
from tests.distill import made

NAN = float("nan")


@pytest.fixture
def rows() -> Rows:
    return made.measurements(80, 3)


def lines(rows: Rows, names: list[str] | None = None) -> list[tuple]:
    """Rows as tuples that can be compared: a hole is None."""
    columns = [rows.columns[name].tolist() for name in names or sorted(rows.columns)]
    return [tuple(None if cell != cell else cell for cell in line) for line in zip(*columns, strict=True)]


def test_each_cell_of_a_copy_stands_in_its_row_or_in_another_of_the_same_fold(rows: Rows) -> None:
    copies = augment.varied(rows, (), 3, 4, 0)
    assert len(copies) > 2 * len(rows)
    for fold in range(3):
        own, made_of = (part.take(fold_of(part, 3) == fold) for part in (copies, rows))
        for name in rows.columns:
            assert set(lines(own, [name])) <= set(lines(made_of, [name]))


def test_a_copy_takes_columns_of_a_row_near_its_own() -> None:
    # Two crowds far apart: no copy mixes them.
    place = np.arange(100) % 2
    noise = np.random.default_rng(0).normal(size=(2, 100))
    rows = made.table_rows({"x": place * 100 + noise[0], "y": place * 100 + noise[1], "z": list("ab" * 50)})
    copies = augment.varied(rows, (), 1, 5, 0)
    assert ((copies.columns["x"] > 50) == (copies.columns["y"] > 50)).all()
    assert ((copies.columns["x"] > 50) == (copies.columns["z"] == "b")).all()


def test_copies_carry_no_label_and_are_all_new(rows: Rows) -> None:
    copies = augment.varied(rows, (), 1, 5, 0)
    assert (copies.labels == UNLABELLED).all()
    assert not set(lines(copies)) & set(lines(rows))
    assert len(set(lines(copies))) == len(set(copies.keys.tolist())) == len(copies)
    assert all(len(key) == 64 for key in copies.keys.tolist())


def test_a_copy_that_equals_a_row_kept_apart_is_left_out(rows: Rows) -> None:
    free = augment.varied(rows, (), 1, 3, 0)
    held = free.take(np.arange(7))
    copies = augment.varied(rows, (held.take(np.arange(3)), held.take(np.arange(3, 7))), 1, 3, 0)
    assert not set(lines(held)) & set(lines(copies))
    assert len(copies) == len(free) - len(held)


def test_minus_zero_and_any_nan_are_what_zero_and_a_hole_are() -> None:
    odd = np.array([0x7FC00001], "<u4").view("<f4")[0]
    one, other = (
        augment._contents(augment._cells(made.table_rows({"x": [a], "y": [b]}), ["x", "y"]))
        for a, b in ((0.0, NAN), (-0.0, odd))
    )
    assert one == other


def test_columns_keep_their_kind_and_their_holes(rows: Rows) -> None:
    copies = augment.varied(rows, (), 1, 4, 0)
    assert {name: column.dtype for name, column in copies.columns.items()} == {
        name: column.dtype for name, column in rows.columns.items()
    }
    assert np.isnan(copies.columns["height"]).any()
    assert "" in copies.columns["colour"].tolist()


def test_the_same_seed_gives_the_same_copies_in_whatever_order_the_columns_stand(rows: Rows) -> None:
    other_way = replace(rows, columns=dict(reversed(rows.columns.items())))
    one, again, other = (
        augment.varied(table, (), 2, 2, seed) for table, seed in ((rows, 1), (other_way, 1), (rows, 2))
    )
    assert lines(one) == lines(again)
    assert one.keys.tolist() == again.keys.tolist()
    assert lines(one) != lines(other)


def test_no_more_is_compared_at_once_than_memory_allows(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "_MOST_CELLS", 1)
    copies = augment.varied(rows, (), 1, 2, 0)
    assert len(copies) > len(rows)


CELLS = st.sampled_from([0.0, -0.0, 1.0, -999.0, 3e38, NAN, float("inf")])


@settings(max_examples=40, deadline=None)
@given(
    table=st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["", "a", "\u2603"])), max_size=12), folds=st.integers(1, 3)
)
def test_any_table_can_be_varied(table: list[tuple], folds: int) -> None:
    x, y, z = (list(column) for column in zip(*table, strict=True)) if table else ([], [], [])
    rows = made.table_rows({"x": np.array(x, np.float32), "y": np.array(y, np.float32)}) if table else empty()
    rows = replace(rows, columns=dict(rows.columns) | {"z": np.array(z, dtype=object)})
    copies = augment.varied(rows, (), folds, 3, 0)
    assert len(copies) == len(copies.keys) <= 3 * len(rows)
    assert not set(lines(copies)) & set(lines(rows))
    for name, column in copies.columns.items():
        assert column.dtype == rows.columns[name].dtype
        assert set(lines(copies, [name])) <= set(lines(rows, [name]))


def empty() -> Rows:
    nothing = np.array([], np.float32)
    return Rows({"x": nothing, "y": nothing}, np.array([], np.int64), np.array([], dtype=object))


def test_trees_label_the_copies_of_a_row_by_the_fold_that_never_saw_it(empty_cache: Path) -> None:
    dataset = made.tabular_dataset(90)
    teacher = teachers.fit(TeacherConfig(kind="boosted_trees"), dataset, 3, 0, Path())
    apart = (dataset.validation, dataset.test)
    copies = TABULAR.augment(teacher, dataset.train, apart, Transfer(folds=3, augment=4), (), 0)
    soft = soft_labels.make(teacher, dataset.train, copies)
    assert len(soft.rows) == len(soft.logits) > 3 * len(dataset.train)
    assert np.isfinite(soft.logits).all()
    places = fold_of(soft.rows, 3)
    for fold, model in enumerate(teacher.folds):
        np.testing.assert_array_equal(soft.logits[places == fold], model.logits(soft.rows.take(places == fold)))
    assert soft.rows.labels[: len(dataset.train)].tolist() == dataset.train.labels.tolist()
