from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.bundle.contract import Input
from handler.errors import BundleError, RequestError
from handler.model.predictor import Prediction, Predictor
from tests import bundles

texts = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.sampled_from(["", "good", "bad bad", "good 😀"]),
    min_size=1,
    max_size=6,
)
rows = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "age": st.none() | st.floats(-1e6, 1e6, width=32),
            "colour": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.just("red"),
        },
    ).filter(bool),
    min_size=1,
    max_size=6,
)


def assert_same(one: Prediction, other: Prediction) -> None:
    assert one.label == other.label
    np.testing.assert_allclose(list(one.scores.values()), list(other.scores.values()), atol=1e-5)
    assert one.novelty == pytest.approx(other.novelty, abs=1e-5)


@settings(max_examples=100)
@given(inputs=texts)
def test_a_text_gets_the_same_answer_in_a_batch_and_alone(text_predictor: Predictor, inputs: list[str]) -> None:
    for single, together in zip(inputs, text_predictor.predict(inputs), strict=True):
        assert_same(text_predictor.predict([single])[0], together)


@settings(max_examples=100)
@given(inputs=rows)
def test_a_row_gets_the_same_answer_in_a_batch_and_alone(tabular_predictor: Predictor, inputs: list[dict]) -> None:
    for single, together in zip(inputs, tabular_predictor.predict(inputs), strict=True):
        assert_same(tabular_predictor.predict([single])[0], together)


def test_scores_are_by_label_and_sum_to_one(text_predictor: Predictor) -> None:
    [prediction] = text_predictor.predict(["good"])
    assert prediction.label == "positive"
    assert prediction.score == prediction.scores["positive"] == max(prediction.scores.values())
    assert sum(prediction.scores.values()) == pytest.approx(1, abs=1e-6)
    assert 0 <= prediction.novelty <= 1


def test_decomposed_accents_are_composed_before_the_graph(text_predictor: Predictor) -> None:
    [array] = text_predictor.arrays([unicodedata.normalize("NFD", "café")]).values()
    assert array.tolist() == ["café"]


def test_missing_columns_are_holes_and_not_zeros(tabular_predictor: Predictor) -> None:
    arrays = tabular_predictor.arrays([{"colour": None}, {"age": None, "colour": None}, {"age": 0, "colour": "red"}])
    assert np.isnan(arrays["age"]).tolist() == [True, True, False]
    assert arrays["colour"].tolist() == ["", "", "red"]
    assert arrays["age"].dtype == np.float32


def test_no_inputs_give_no_predictions(text_predictor: Predictor) -> None:
    assert text_predictor.predict([]) == []


def test_a_text_for_a_tabular_model_is_not_dropped_in_silence(tabular_predictor: Predictor) -> None:
    with pytest.raises(TypeError):
        tabular_predictor.predict(["red", {"age": 3}])


def test_an_answer_under_the_threshold_abstains(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path, bundles.text_serving(thresholds=bundles.Thresholds(abstain_below=0.8)))
    known, unknown = Predictor.load(tmp_path).predict(["good", "something else"])
    assert (known.abstained, unknown.abstained) == (False, True)


def test_a_graph_that_is_no_graph_is_a_bundle_error(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"model\.onnx cannot be loaded by ONNX Runtime"):
        Predictor(tmp_path / "model.onnx", bundles.text_serving(), "name", "version")


def test_a_graph_with_other_inputs_than_its_manifest_is_refused(tmp_path: Path) -> None:
    serving = bundles.tabular_serving(inputs=(Input("age", "float32", "number"), Input("size", "string", "category")))
    bundles.tabular_bundle(tmp_path, serving)
    with pytest.raises(BundleError, match=r"colour.*size"):
        Predictor.load(tmp_path)


def test_one_input_in_place_of_a_list_is_told(text_predictor: Predictor, tabular_predictor: Predictor) -> None:
    with pytest.raises(TypeError, match="list of inputs, and got one str"):
        text_predictor.predict("good")
    with pytest.raises(TypeError, match="list of inputs, and got one dict"):
        tabular_predictor.predict({"age": 1})  # type: ignore[arg-type]


def test_a_column_that_the_model_does_not_know_is_not_read_as_a_missing_one(tabular_predictor: Predictor) -> None:
    with pytest.raises(RequestError, match='The nearest it knows is "age"'):
        tabular_predictor.predict([{"age": 1}, {"aeg": 1}])


@pytest.mark.parametrize("wrong", [7, None, b"good", ["good"], {"text": "good"}])
def test_what_is_no_string_is_no_text(text_predictor: Predictor, wrong: object) -> None:
    with pytest.raises(TypeError, match="A text model takes strings; input 1 is"):
        text_predictor.predict(["good", wrong])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"age": "x"}, '"age" wants a number or null, found a string'),
        ({"age": True}, '"age" wants a number or null, found a boolean'),
        ({"age": np.bool_(True)}, '"age" wants a number or null, found a boolean'),
        ({"age": [1]}, '"age" wants a number or null, found an array'),
        ({"age": np.array([1.0, 2.0])}, '"age" wants a number or null, found a ndarray'),
        ({"age": 10**400}, "32-bit floating point"),
        ({"colour": ["red"]}, '"colour" wants a string or null, found an array'),
        ({7: 1}, "not one the model knows"),
        ({}, "has no columns"),
    ],
)
def test_a_wrong_value_in_process_is_told_as_it_is_over_http(
    tabular_predictor: Predictor, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        tabular_predictor.predict([{"age": 1}, wrong])


def test_half_of_a_surrogate_pair_is_told(text_predictor: Predictor) -> None:
    with pytest.raises(RequestError, match="half of a surrogate pair"):
        text_predictor.predict(["\ud800"])


def test_numbers_of_numpy_are_numbers_and_its_nan_is_a_hole(tabular_predictor: Predictor) -> None:
    rows = [{"age": np.float32(3), "colour": "red"}, {"age": np.int64(3)}, {"age": np.float32("nan")}]
    plain = [{"age": 3.0, "colour": "red"}, {"age": 3}, {"age": None}]
    assert tabular_predictor.predict(rows) == tabular_predictor.predict(plain)


@pytest.mark.parametrize("given", [7, None, iter(["good"])])
def test_what_is_no_list_is_told(text_predictor: Predictor, given: object) -> None:
    with pytest.raises(TypeError, match="takes a list of inputs, and got one"):
        text_predictor.predict(given)  # type: ignore[arg-type]


def test_an_array_of_texts_is_a_list_of_them(text_predictor: Predictor) -> None:
    assert len(text_predictor.predict(np.array(["good", "bad"]))) == 2  # type: ignore[arg-type]


def test_the_folder_of_a_name_means_its_version_that_was_sealed_last(tmp_path: Path) -> None:
    for version, name in (("zz", "older"), ("aa", "newer")):
        (tmp_path / version).mkdir()
        bundles.text_bundle(tmp_path / version, name=name)
    (tmp_path / "latest").write_text("aa\n")
    assert Predictor.load(tmp_path).name == "newer"
    assert Predictor.load(tmp_path / "zz").name == "older"
