from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.modalities.prelude import FEATURES, Prelude
from distill.modalities.tabular import prelude as tabular
from distill.modalities.tabular.prelude import CLIP, MAX_CATEGORIES
from handler.bundle.contract import Input
from handler.modalities.levelling import HOLES
from tests.distill.made import inputs_of, table_rows

NAN, INF = float("nan"), float("inf")
LARGEST_FLOAT32 = 3.4e38


def fitted(**columns: list[object]) -> Prelude:
    rows = table_rows(columns)
    return tabular.fit(inputs_of(rows), rows.columns)


def features(prelude: Prelude, **columns: list[object]) -> np.ndarray:
    return prelude.features(table_rows(columns).columns)


def test_numbers_are_centred_and_scaled_to_their_spread() -> None:
    prelude = fitted(age=[20.0, 30.0, 40.0, 50.0, 60.0] * 100)
    [low], [middle], [high] = features(prelude, age=[20.0, 40.0, 60.0]).tolist()
    assert middle == pytest.approx(0, abs=1e-5)
    assert high == pytest.approx(2**0.5, abs=1e-3)
    assert low == pytest.approx(-high, abs=1e-5)


def test_a_hole_reads_as_the_median_and_raises_a_flag() -> None:
    prelude = fitted(age=[1.0, 2.0, 3.0, 10.0, NAN])
    hole, median = features(prelude, age=[NAN, 2.5]).tolist()
    assert hole[0] == pytest.approx(median[0], abs=1e-6)
    assert (hole[1], median[1]) == (1.0, 0.0)


def test_a_column_without_holes_has_no_flag_and_takes_a_hole_all_the_same() -> None:
    prelude = fitted(age=[1.0, 2.0, 3.0])
    assert prelude.width == 1
    assert features(prelude, age=[NAN]).tolist() == features(prelude, age=[2.0]).tolist()


def test_a_column_of_holes_alone_says_nothing_but_that() -> None:
    prelude = fitted(empty=[NAN] * 5, age=[1.0, 2.0, 3.0, 4.0, 5.0])
    rows = features(prelude, empty=[NAN, 7.0, -7.0], age=[1.0, 1.0, 1.0])
    assert rows[:, 0].tolist() == [0, 0, 0]
    assert rows[:, 2].tolist() == [1, 0, 0]


@pytest.mark.parametrize("value", [0.0, 7.5, -1e30, LARGEST_FLOAT32])
def test_a_constant_column_is_zero_whatever_comes_later(value: float) -> None:
    prelude = fitted(same=[value] * 6)
    assert features(prelude, same=[value, 0.0, 1e30, -INF, INF]).tolist() == [[0.0]] * 5


def test_a_column_of_tiny_numbers_is_not_taken_for_a_constant() -> None:
    prelude = fitted(farads=[1e-13, 2e-13, 3e-13] * 5)
    assert features(prelude, farads=[1e-13, 3e-13])[:, 0].tolist() == pytest.approx([-(1.5**0.5), 1.5**0.5], abs=0.01)


def test_an_absurd_value_is_clipped_and_leaves_the_scale_alone() -> None:
    ordinary = [float(i) for i in range(1000)]
    plain, outlier = fitted(x=ordinary), fitted(x=[*ordinary, 1e30])
    assert features(outlier, x=[250.0])[0, 0] == pytest.approx(features(plain, x=[250.0])[0, 0], abs=0.05)
    assert features(outlier, x=[1e30, -1e30, INF, -INF]).tolist() == [[CLIP], [-CLIP], [CLIP], [-CLIP]]


def test_infinities_in_training_rows_leave_the_scale_alone() -> None:
    ordinary = [float(i) for i in range(100)]
    assert features(fitted(x=[*ordinary, INF, -INF]), x=[10.0])[0, 0] == pytest.approx(
        features(fitted(x=ordinary), x=[10.0])[0, 0], abs=0.1
    )


@settings(max_examples=60, deadline=None)
@given(
    trained=st.lists(st.floats(width=32), min_size=1, max_size=12),
    asked=st.lists(st.floats(width=32), min_size=1, max_size=4),
)
def test_features_are_finite_and_bounded_for_any_floats(trained: list[float], asked: list[float]) -> None:
    prelude = fitted(x=trained, y=[1.0, *trained[1:]])
    rows = features(prelude, x=asked, y=asked[::-1])
    assert rows.shape == (len(asked), prelude.width)
    assert np.isfinite(rows).all()
    assert (np.abs(rows) <= CLIP).all()


def test_each_category_has_its_place_and_missing_has_one_too() -> None:
    prelude = fitted(colour=["red"] * 5 + ["green"] * 4 + [""] * 3)
    assert prelude.width == 3
    assert features(prelude, colour=["red", "green", ""]).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert prelude.vocabulary_rows == 3


def test_an_unknown_category_is_all_zeros() -> None:
    prelude = fitted(colour=["red"] * 3 + ["green"] * 3)
    assert features(prelude, colour=["blue", "", "RED", "red "]).tolist() == [[0, 0]] * 4


def test_a_category_of_fewer_than_three_rows_is_nowhere_in_the_model() -> None:
    prelude = fitted(town=["common"] * 3 + ["secretville"] * 2)
    assert features(prelude, town=["secretville"]).tolist() == [[0]]
    assert b"common" in prelude.model.SerializeToString()
    assert b"secretville" not in prelude.model.SerializeToString()


def test_a_column_of_rare_categories_alone_stores_none_of_them() -> None:
    prelude = fitted(name=["anna", "bert", "carl"], age=[1.0, 2.0, 3.0])
    assert features(prelude, name=["anna", "zoe"], age=[2.0, 2.0]).tolist() == [[0, 0]] * 2
    assert b"anna" not in prelude.model.SerializeToString()


def test_only_the_commonest_categories_of_very_many_are_kept() -> None:
    values = [f"c{i}" for i in range(MAX_CATEGORIES + 20) for _ in range(3)] + ["often"] * 4
    prelude = fitted(code=values)
    assert prelude.width == MAX_CATEGORIES
    assert features(prelude, code=["often"])[0, 0] == 1


@settings(max_examples=60, deadline=None)
@given(
    trained=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), min_size=3, max_size=12),
    asked=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=4).filter(
            lambda word: not word or (word.lower() not in (*HOLES, "true") and not word.endswith(".0"))
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_any_words_are_one_hot_or_nothing(trained: list[str], asked: list[str]) -> None:
    prelude = fitted(word=trained * 3)
    rows = features(prelude, word=asked)
    assert rows.sum(axis=1).tolist() == [float(word in trained) for word in asked]
    assert set(np.unique(rows).tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(
    "name",
    [
        'say "hi"',
        "it's",
        "a/b\\c",
        "größe °C",
        "\u8eab\u9577",
        " ",
        "a\nb",
        "\U0001f600",
        "x" * 500,
        "axis",
        "number_0",
        "N",
    ],
)
def test_a_column_may_have_any_name(name: str) -> None:
    prelude = fitted(**{name: [1.0, 2.0, 3.0], f"{name} too": ["a", "a", "a"], "numbers": [3.0, 2.0, 1.0]})
    onnx.checker.check_model(prelude.model)
    rows = features(prelude, **{name: [3.0, 1.0], f"{name} too": ["a", "b"], "numbers": [2.0, 2.0]})
    assert rows[0, 0] == -rows[1, 0] > 1
    assert rows[:, 2].tolist() == [1, 0]


def test_rows_answer_alike_alone_and_together_in_any_order_of_length() -> None:
    colours = ["red", "a very long category " * 40, "", "green"]
    prelude = fitted(colour=colours * 3, age=[1.0, NAN, 3.0, 4.0] * 3)
    together = features(prelude, colour=colours, age=[4.0, 3.0, 2.0, NAN])
    for i, (colour, age) in enumerate(zip(colours, [4.0, 3.0, 2.0, NAN], strict=True)):
        assert features(prelude, colour=[colour], age=[age]).tolist() == together[i : i + 1].tolist()


def test_the_graph_takes_one_input_a_column_of_its_type() -> None:
    prelude = fitted(age=[1.0, 2.0, 3.0], colour=["a", "a", "a"])
    session = ort.InferenceSession(prelude.model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = {tensor.name: tensor.type for tensor in session.get_inputs()}
    assert found == {"age": "tensor(float)", "colour": "tensor(string)"}
    assert [tensor.name for tensor in session.get_outputs()] == [FEATURES]


def test_the_same_columns_give_the_same_bytes() -> None:
    one, other = (
        fitted(age=[1.0, NAN, 3.0] * 3, colour=["b", "a", "a"] * 3).model.SerializeToString(deterministic=True)
        for _ in range(2)
    )
    assert one == other


def test_a_number_is_cut_into_pieces_between_its_quantiles_and_a_flag_is_not() -> None:
    columns = {
        "age": np.arange(80, dtype=np.float32),
        "flag": (np.arange(80) % 2).astype(np.float32),
    }
    inputs = (Input("age", "float32", "number"), Input("flag", "float32", "number"))
    pieces = tabular.fit(inputs, columns).pieces
    assert [feature for feature, _, _ in pieces] == [0] * tabular.PIECES
    assert all(high > low for _, low, high in pieces)
    assert all(after[1] == before[2] for before, after in zip(pieces, pieces[1:], strict=False))


@pytest.mark.parametrize(("rows", "pieces"), [(800, 16), (70, 7), (9, 1)])
def test_as_many_pieces_as_wanted_with_ten_rows_each(rows: int, pieces: int) -> None:
    inputs = (Input("age", "float32", "number"),)
    assert len(tabular.fit(inputs, {"age": np.arange(rows, dtype=np.float32)}, pieces=16).pieces) == pieces


@pytest.mark.parametrize("sentinel", [-999.0, 99_999.0])
def test_a_sentinel_that_sets_the_scale_leaves_the_pieces_of_the_others_apart(sentinel: float) -> None:
    shares = np.random.default_rng(0).random(2000).astype(np.float32)
    columns = {"share": np.where(np.arange(2000) % 10 == 0, np.float32(sentinel), shares)}
    fitted = tabular.fit((Input("share", "float32", "number"),), columns)
    zero, one = fitted.features({"share": np.array([0, 1], np.float32)})[:, 0].tolist()
    assert sum(zero - 0.01 <= low and high <= one + 0.01 for _, low, high in fitted.pieces) >= 6


@given(values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60))
def test_pieces_of_any_numbers_follow_each_other_upwards(values: list[float]) -> None:
    pieces = fitted(x=values).pieces
    assert all(high - low >= 2e-7 for _, low, high in pieces)
    assert all(after[1] == before[2] for before, after in zip(pieces, pieces[1:], strict=False))


def test_a_knot_is_no_value_of_the_table() -> None:
    ages = np.random.default_rng(0).normal(size=400).astype(np.float32)
    made = tabular.fit((Input("age", "float32", "number"),), {"age": ages})
    scaled = set(made.features({"age": ages})[:, 0].tolist())
    assert not scaled & {end for _, low, high in made.pieces for end in (low, high)}


def test_the_prelude_says_where_numbers_and_categories_stand() -> None:
    prelude = fitted(age=[1.0, 2.0, NAN], bmi=[3.0, 4.0, 5.0], kind=["a", "a", "a"], site=["x", "x", "x"])
    assert (prelude.numbers, prelude.categories, prelude.width) == (2, (1, 1), 5)


def test_no_piece_ends_at_an_extreme_value() -> None:
    ages = np.append(np.arange(80, dtype=np.float32), np.float32(123))
    fitted = tabular.fit((Input("age", "float32", "number"),), {"age": ages})
    scaled = fitted.features({"age": ages})[:, 0]
    ends = [end for _, low, high in fitted.pieces for end in (low, high)]
    assert scaled.min() < min(ends)
    assert max(ends) < np.sort(scaled)[-2]
