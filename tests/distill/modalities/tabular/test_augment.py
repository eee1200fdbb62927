from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.data.keys import fold_of, source_of
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


def test_each_cell_of_a_copy_stands_in_its_column_of_some_row(rows: Rows) -> None:
    copies = augment.varied(rows, (), 4, 0)
    assert len(copies) > 2 * len(rows)
    for name in rows.columns:
        assert set(lines(copies, [name])) <= set(lines(rows, [name]))


def test_a_copy_is_its_own_row_but_for_about_a_third_of_the_columns_that_one_other_row_gives() -> None:
    # Each cell names its row. The other row is any row: on the mean it is as far off as rows drawn at random.
    columns, count = [f"c{i}" for i in range(20)], 300
    rows = made.table_rows({name: np.arange(count) for name in columns})
    copies = augment.varied(rows, (), 4, 0)
    cells = np.stack([copies.columns[name] for name in columns], axis=1).astype(int)
    row_of = {source_of(key): place for place, key in enumerate(rows.keys.tolist())}
    own = np.array([row_of[source_of(key)] for key in copies.keys.tolist()])
    swapped = cells != own[:, None]
    assert swapped.mean() == pytest.approx(0.3, abs=0.02)
    others = [set(line[mask].tolist()) for line, mask in zip(cells, swapped, strict=True)]
    assert {len(other) for other in others} == {1}
    distances = np.abs(np.array([other.pop() for other in others]) - own)
    assert distances.mean() == pytest.approx(count / 3, rel=0.1)


def test_copies_carry_no_label_and_are_all_new(rows: Rows) -> None:
    copies = augment.varied(rows, (), 5, 0)
    assert (copies.labels == UNLABELLED).all()
    assert not set(lines(copies)) & set(lines(rows))
    assert len(set(lines(copies))) == len(set(copies.keys.tolist())) == len(copies)
    assert all(len(key) == 64 for key in copies.keys.tolist())


def test_a_copy_that_equals_a_row_kept_apart_is_left_out(rows: Rows) -> None:
    free = augment.varied(rows, (), 3, 0)
    held = free.take(np.arange(7))
    copies = augment.varied(rows, (held.take(np.arange(3)), held.take(np.arange(3, 7))), 3, 0)
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
    copies = augment.varied(rows, (), 4, 0)
    assert {name: column.dtype for name, column in copies.columns.items()} == {
        name: column.dtype for name, column in rows.columns.items()
    }
    assert np.isnan(copies.columns["height"]).any()
    assert "" in copies.columns["colour"].tolist()


def test_the_same_seed_gives_the_same_copies_in_whatever_order_the_columns_stand(rows: Rows) -> None:
    other_way = replace(rows, columns=dict(reversed(rows.columns.items())))
    one, again, other = (augment.varied(table, (), 2, seed) for table, seed in ((rows, 1), (other_way, 1), (rows, 2)))
    assert lines(one) == lines(again)
    assert one.keys.tolist() == again.keys.tolist()
    assert lines(one) != lines(other)


CELLS = st.sampled_from([0.0, -0.0, 1.0, -999.0, 3e38, NAN, float("inf")])


@settings(max_examples=40, deadline=None)
@given(table=st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["", "a", "\u2603"])), max_size=12))
def test_any_table_can_be_varied(table: list[tuple]) -> None:
    x, y, z = (list(column) for column in zip(*table, strict=True)) if table else ([], [], [])
    rows = made.table_rows({"x": np.array(x, np.float32), "y": np.array(y, np.float32)}) if table else empty()
    rows = replace(rows, columns=dict(rows.columns) | {"z": np.array(z, dtype=object)})
    copies = augment.varied(rows, (), 3, 0)
    assert len(copies) == len(copies.keys) <= 3 * len(rows)
    assert not set(lines(copies)) & set(lines(rows))
    for name, column in copies.columns.items():
        assert column.dtype == rows.columns[name].dtype
        assert set(lines(copies, [name])) <= set(lines(rows, [name]))


def empty() -> Rows:
    nothing = np.array([], np.float32)
    return Rows({"x": nothing, "y": nothing}, np.array([], np.int64), np.array([], dtype=object))


def test_trees_of_all_rows_label_the_copies_and_those_that_never_saw_it_a_row(empty_cache: Path) -> None:
    dataset = made.tabular_dataset(90)
    teacher = teachers.fit(TeacherConfig(kind="boosted_trees"), dataset, 3, 0, Path())
    apart = (dataset.validation, dataset.test)
    copies = TABULAR.augment(teacher, dataset.train, apart, Transfer(folds=3, augment=4), (), 0)
    soft = soft_labels.make(teacher, dataset.train, copies)
    assert len(soft.rows) == len(soft.logits) > 3 * len(dataset.train)
    own = np.arange(len(dataset.train))
    places = fold_of(dataset.train, 3)
    for fold, model in enumerate(teacher.folds):
        rows = soft.rows.take(own[places == fold])
        np.testing.assert_array_equal(soft.logits[own[places == fold]], model.logits(rows))
    np.testing.assert_array_equal(soft.logits[len(own) :], teacher.full.logits(copies))
    assert soft.rows.labels[: len(own)].tolist() == dataset.train.labels.tolist()


@pytest.mark.parametrize(("rows", "copies"), [(0, 10), (500, 10), (18_181, 10), (50_000, 3), (100_000, 1), (10**6, 0)])
def test_many_rows_get_fewer_copies_where_the_recipe_does_not_say(rows: int, copies: int) -> None:
    assert augment.default_copies(rows) == copies
