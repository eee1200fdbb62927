"""Student -> float graph -> int8 -> calibrated graph, with random weights: what each step must keep."""

from __future__ import annotations

import functools
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from distill.data.rows import Dataset, Rows
from distill.graph import calibrate, export, quantize
from distill.graph.calibrate import Calibrated
from distill.graph.export import Graph
from distill.modalities.prelude import DESCRIPTION, LOGITS
from distill.training import train
from distill.training.train import Student
from handler.bundle import contract
from handler.model.predictor import Predictor, optimized
from tests import bundles
from tests.distill import made

TABULAR = ("mlp", "embedded")
KINDS = ("bag", "static", "conv", "gru", "mini", *TABULAR)
# A table of misspellings for one that reads words, and one that reads pieces; room for more than a few hashed ids.
SETTINGS: dict[str, dict[str, int]] = {
    "gru": {"misspellings": 1000},
    "mini": {"misspellings": 1000},
    "bag": {"buckets": 256},
}
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
sayings = st.lists(st.sampled_from(made.WORDS), max_size=40).map(" ".join)


@functools.cache
def dataset(kind: str) -> Dataset:
    return made.tabular_dataset() if kind in TABULAR else made.text_dataset()


@functools.cache
def student(kind: str) -> Student:
    return made.student(kind, dataset(kind), **SETTINGS.get(kind, {}))


@functools.cache
def exported(kind: str) -> Graph:
    return export.graph(student(kind))


@functools.cache
def quantised(kind: str) -> Graph:
    return quantize.weights(exported(kind))


@functools.cache
def calibrated(kind: str) -> Calibrated:
    return calibrate.fit(quantised(kind), student(kind).modality, dataset(kind).train, dataset(kind).validation)


@functools.cache
def predictor(kind: str) -> Predictor:
    folder = Path(tempfile.mkdtemp())
    path = folder / contract.MODEL
    path.write_bytes(calibrated(kind).graph.model.SerializeToString())
    made_serving = bundles.tabular_serving if kind in TABULAR else bundles.text_serving
    loaded = Predictor(path, made_serving(inputs=dataset(kind).inputs), "made", "staged")
    path.unlink()
    folder.rmdir()
    return loaded


def odd_rows(kind: str) -> Rows:
    """Rows of all lengths, with every awkward one among them."""
    if kind in TABULAR:
        nan = float("nan")
        return made.table_rows(
            {
                "width": [nan, 1e30, 0.0, -5.0, 1.0],
                "height": [nan, -1e30, nan, 2.0, 1.0],
                "weight": [nan, 0.0, 3.0, nan, 1.0],
                "colour": ["", "red", "never seen", "green", ""],
            }
        )
    odd = ["", "good", "zzz yyy", "goood pleasantt zzz", "\u8fd9\u90e8 good", "a" * 500]
    return made.text_rows([*odd, *made.sentences(40, 9, longest=60)])


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_says_what_torch_says_over_ragged_rows(kind: str) -> None:
    rows = odd_rows(kind)
    np.testing.assert_allclose(
        calibrate.run(exported(kind), rows)[0], train.logits(student(kind), rows), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_torch_itself_answers_a_row_alike_alone_and_padded(kind: str) -> None:
    rows = odd_rows(kind)
    together = train.logits(student(kind), rows)
    alone = np.concatenate([train.logits(student(kind), rows.take(np.array([i]))) for i in range(len(rows))])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_int8_shrinks_the_weights_and_keeps_the_answers(kind: str) -> None:
    rows = dataset(kind).test
    whole, small = calibrate.run(exported(kind), rows)[0], calibrate.run(quantised(kind), rows)[0]
    assert (whole.argmax(axis=1) == small.argmax(axis=1)).mean() >= 0.95
    assert np.abs(whole - small).max() < 0.1 * np.abs(whole).max()
    if kind not in TABULAR:
        large = [values for values in export.float_initializers(exported(kind).model).values() if values.size >= 2000]
        assert large
        left = export.float_initializers(quantised(kind).model)
        assert all(values.size < 2000 for values in left.values())


def test_int8_takes_a_quarter_of_the_bytes_of_a_large_student() -> None:
    big = made.student("conv", dataset("conv"), buckets=4000, embedding=64)
    whole = export.graph(big)
    small = quantize.weights(whole)
    assert small.model.ByteSize() < 0.32 * whole.model.ByteSize()


def test_an_embedding_keeps_a_scale_a_row_so_that_rare_words_keep_their_digits() -> None:
    uneven = made.student("static", dataset("static"))
    with torch.no_grad():
        uneven.network.embedding.weight[2] *= 1000  # type: ignore[union-attr,operator]
    rows = odd_rows("static")
    whole = export.graph(uneven)
    logits, small = calibrate.run(whole, rows)[0], calibrate.run(quantize.weights(whole), rows)[0]
    quiet = np.array([uneven.prelude.words[0] not in str(text).split() for text in rows.columns["text"]])
    assert np.abs(logits - small)[quiet].max() < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_the_finished_graph_is_valid_and_gives_probabilities_and_novelty(kind: str) -> None:
    model = calibrated(kind).graph.model
    onnx.checker.check_model(model, full_check=False)
    assert [value.name for value in model.graph.output] == ["probabilities", "novelty"]
    assert [value.name for value in model.graph.input] == [column.name for column in dataset(kind).inputs]
    arrays = {name: column for name, column in odd_rows(kind).columns.items()}
    probabilities, novelty = predictor(kind).run(arrays)
    assert probabilities.dtype == novelty.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert novelty.shape == (len(odd_rows(kind)),)
    assert ((novelty >= 0) & (novelty <= 1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_holds_no_path_of_the_machine_and_no_word_on_its_making(kind: str) -> None:
    model = calibrated(kind).graph.model
    assert not model.metadata_props and not model.functions and not model.doc_string
    assert not model.graph.value_info and not model.graph.doc_string
    assert (model.producer_name, model.producer_version) == ("limbeck", "")
    for node in model.graph.node:
        assert not node.doc_string and not node.metadata_props
    content = model.SerializeToString()
    for secret in (
        str(Path.cwd()),
        tempfile.gettempdir() + "/",
        str(Path.home()) + "/",
        os.environ.get("USER", "root") + "/",
    ):
        assert secret.encode() not in content
    for trace in (rb"site-packages", rb"\.py\b", rb"torch", rb"aten", rb"pkg\.", rb"distill", rb"File \""):
        assert not re.search(trace, content)
    # Every slash belongs to Limbeck's own names, to the image of a float, or to a weight.
    names = {name for node in model.graph.node for name in (node.name, *node.input, *node.output)}
    assert {name.split("/")[0] for name in names if "/" in name} == {"limbeck"}


@pytest.mark.parametrize(("kind", "most"), [("static", 57), ("conv", 63), ("gru", 90)])
def test_no_more_nodes_run_for_a_text_than_are_needed(kind: str, most: int, tmp_path: Path) -> None:
    """Each takes a quarter of a microsecond, whatever it does. Here the GRU mends words, the others do not."""
    path = tmp_path / contract.MODEL
    path.write_bytes(calibrated(kind).graph.model.SerializeToString())
    assert len(onnx.load_from_string(optimized(path, "extended")).graph.node) <= most


@pytest.mark.parametrize("kind", KINDS)
def test_equal_students_give_equal_bytes(kind: str) -> None:
    twin = made.student(kind, dataset(kind), **SETTINGS.get(kind, {}))
    small = quantize.weights(export.graph(twin))
    again = calibrate.fit(small, twin.modality, dataset(kind).train, dataset(kind).validation)
    assert again.graph.model.SerializeToString(deterministic=True) == calibrated(kind).graph.model.SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize("kind", ["bag", "static", "conv"])
@settings(max_examples=30, deadline=None)
@given(texts=st.lists(anything | sayings, min_size=1, max_size=5))
def test_a_text_gets_the_same_answer_alone_and_in_a_batch(kind: str, texts: list[str]) -> None:
    for text, together in zip(texts, predictor(kind).predict(texts), strict=True):
        [alone] = predictor(kind).predict([text])
        gap = np.abs(np.subtract(list(alone.scores.values()), list(together.scores.values()))).max()
        assert gap <= 1e-5
        assert alone.label == together.label or abs(alone.score - 0.5) <= 1e-5
        assert alone.novelty == pytest.approx(together.novelty, abs=1e-4)


@pytest.mark.parametrize("kind", TABULAR)
@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "width": st.none() | st.floats(width=32),
                "height": st.none() | st.floats(-3, 3, width=32),
                "colour": st.none() | st.sampled_from(["red", "green", "blue"]) | anything,
            },
        ).filter(bool),
        min_size=1,
        max_size=5,
    )
)
def test_a_row_of_columns_gets_the_same_finite_answer_alone_and_in_a_batch(
    kind: str, rows: list[dict[str, object]]
) -> None:
    for row, together in zip(rows, predictor(kind).predict(rows), strict=True):
        [alone] = predictor(kind).predict([row])
        np.testing.assert_allclose(list(alone.scores.values()), list(together.scores.values()), atol=1e-5)
        assert sum(alone.scores.values()) == pytest.approx(1, abs=1e-5)
        assert 0 <= alone.novelty <= 1


@pytest.mark.parametrize("kind", ["static", "conv"])
def test_accents_composed_and_decomposed_get_one_answer(kind: str) -> None:
    rows = made.text_rows(["caf\u00e9 good", "caf\u00e9 bad", "caf\u00e9"] * 10, [1, 0, 0] * 10)
    text = made.dataset_of("text", dataset(kind).inputs, [rows, rows, rows])
    one = made.student(kind, text)
    assert "caf\u00e9" in one.prelude.words
    finished = calibrate.fit(quantize.weights(export.graph(one)), one.modality, rows, rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / contract.MODEL
        path.write_bytes(finished.graph.model.SerializeToString())
        loaded = Predictor(path, bundles.text_serving(), "made", "staged")
    composed, decomposed, plain = loaded.predict(["caf\u00e9", "cafe\u0301", "cafe"])
    assert composed == decomposed
    assert composed.scores != plain.scores


@pytest.mark.parametrize("true", [0.25, 1.0, 3.0])
def test_a_known_temperature_is_found_again(true: float) -> None:
    random = np.random.default_rng(0)
    honest = random.normal(size=(20_000, 3)) * 2
    chances = np.exp(log_softmax(honest, axis=1))
    labels = (random.random(20_000)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    assert calibrate.fit_temperature((honest * true).astype(np.float32), labels) == pytest.approx(true, rel=0.04)


def test_calibration_lowers_the_loss_of_a_student_too_sure_of_itself() -> None:
    rows, kind = dataset("conv").validation, "conv"
    logits = calibrate.run(quantised(kind), rows)[0]
    before = float(-log_softmax(logits, axis=1)[np.arange(len(rows)), rows.labels].mean())
    probabilities, _ = predictor(kind).run(dict(rows.columns))
    assert float(-np.log(probabilities[np.arange(len(rows)), rows.labels]).mean()) < 0.9 * before


def test_the_temperature_is_inside_the_served_probabilities() -> None:
    rows, kind = dataset("mlp").validation, "mlp"
    logits = calibrate.run(quantised(kind), rows)[0]
    probabilities, _ = predictor(kind).run(dict(rows.columns))
    np.testing.assert_allclose(probabilities, softmax(logits / calibrated(kind).temperature, axis=1), atol=1e-5)


@pytest.mark.parametrize(("rows", "least", "most"), [(15, 0.9, 0.999), (2000, 0.999, 1 - 1e-9)])
def test_a_student_right_on_every_validation_row_is_as_sure_as_their_number_allows(
    rows: int, least: float, most: float
) -> None:
    labels = np.arange(rows) % 2
    logits = np.where(labels[:, None] == np.arange(2), 2.0, 0.0).astype(np.float32)
    temperature = calibrate.fit_temperature(logits, labels)
    assert least < softmax(logits.astype(np.float64) / temperature, axis=1).max() < most


def test_few_rows_hardly_move_a_temperature_and_many_do() -> None:
    labels = np.zeros(4000, np.int64)
    labels[::4] = 1  # three in four are of the class that is said to be almost certain
    logits = np.tile(np.array([[5.0, 0.0]], np.float32), (4000, 1))
    few, many = (calibrate.fit_temperature(logits[:rows], labels[:rows]) for rows in (4, 4000))
    assert 1 < few < many == pytest.approx(5 / np.log(3), rel=0.01)


def test_validation_rows_without_one_of_the_classes_calibrate_all_the_same() -> None:
    rows = dataset("conv").validation
    half = rows.take(rows.labels == 0)
    finished = calibrate.fit(quantised("conv"), student("conv").modality, dataset("conv").train, half)
    assert np.isfinite(finished.temperature)
    assert [d.dim_value for d in finished.graph.model.graph.output[0].type.tensor_type.shape.dim][1] == 2


def test_training_rows_of_one_class_alone_calibrate_all_the_same() -> None:
    rows = dataset("mlp").train
    one = rows.take(rows.labels == 0)
    finished = calibrate.fit(quantised("mlp"), student("mlp").modality, one, dataset("mlp").validation)
    assert [d.dim_value for d in finished.graph.model.graph.output[0].type.tensor_type.shape.dim][1] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_novelty_spreads_over_validation_rows_as_a_quantile_does(kind: str) -> None:
    _, novelty = predictor(kind).run(dict(dataset(kind).validation.columns))
    assert np.sort(novelty) == pytest.approx(np.linspace(0, 1, len(novelty)), abs=0.08)


def test_a_row_far_from_all_training_rows_is_newer_than_one_amid_them() -> None:
    near = {"width": 0.0, "height": 0.0, "weight": 0.0, "colour": "red"}
    far = {"width": 50.0, "height": -50.0, "weight": 50.0, "colour": "red"}
    one, other = predictor("mlp").predict([near, far])
    assert one.novelty < 0.9
    assert other.novelty == 1.0


def test_a_text_of_words_never_seen_is_newer_than_one_of_known_words() -> None:
    known, unknown = predictor("conv").predict(["the film was good", "zxqv wubbl frotz glork"])
    assert known.novelty < unknown.novelty


@pytest.mark.parametrize("kind", TABULAR)
def test_columns_that_never_vary_give_finite_answers(kind: str) -> None:
    same = made.table_rows({"a": [1.0] * 20, "b": ["x"] * 20}, [0, 1] * 10)
    constant = made.dataset_of("tabular", made.inputs_of(same), [same, same, same])
    one = made.student(kind, constant)
    finished = calibrate.fit(quantize.weights(export.graph(one)), one.modality, same, same)
    session = ort.InferenceSession(finished.graph.model.SerializeToString(), providers=["CPUExecutionProvider"])
    asked = made.table_rows({"a": [1.0, 9.0], "b": ["x", "y"]})
    probabilities, novelty = session.run(["probabilities", "novelty"], dict(asked.columns))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert novelty[0] == 0
    assert novelty[1] >= novelty[0]


def test_the_unfinished_graph_names_its_outputs() -> None:
    assert [value.name for value in exported("conv").model.graph.output] == [LOGITS, DESCRIPTION]
    assert [value.name for value in calibrated("conv").graph.model.graph.output] == ["probabilities", "novelty"]


@pytest.mark.parametrize("kind", ["static", "conv"])
def test_each_weight_is_within_half_a_step_of_its_int8_and_the_steps_are_as_small_as_they_can_be(kind: str) -> None:
    whole = export.float_initializers(exported(kind).model)
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in quantised(kind).model.graph.initializer}
    replaced = [name for name in whole if f"{name}/scale" in stored]
    assert len(replaced) >= 2
    for name in replaced:
        scale = stored[f"{name}/scale"]
        if f"{name}/uint8" in stored:  # a table
            small = stored[f"{name}/uint8"].astype(int) - 128
        else:
            small = stored[f"{name}/int8"]
            assert small.dtype == np.int8
        assert np.abs(small * scale - whole[name]).max() <= 0.501 * scale.max()
        assert np.abs(small.astype(int)).max() == 127


@pytest.mark.parametrize("kind", KINDS)
def test_four_bits_are_read_back_as_the_nearest_step_and_the_graph_computes_with_that(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize, "_WORTH_HALVING", 0)
    whole = exported(kind)
    small = quantize.weights(whole, bits=4)
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in small.model.graph.initializer}
    read_back = onnx.ModelProto()
    read_back.CopyFrom(whole.model)
    halved = 0
    for tensor in read_back.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if f"{tensor.name}/uint4" in stored:  # a table
            halved += 1
            packed = stored[f"{tensor.name}/uint4"]
            steps = np.stack([packed & 15, packed >> 4], axis=-1).astype(np.float32).reshape(values.shape) - 8
        elif f"{tensor.name}/int4" in stored:
            halved += 1
            packed = stored[f"{tensor.name}/int4"]
            steps = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32).reshape(values.shape) - 8
        elif f"{tensor.name}/int8" in stored:
            steps = stored[f"{tensor.name}/int8"].astype(np.float32)
        else:
            continue
        scale = stored[f"{tensor.name}/scale"]
        near = np.abs(steps * scale - values) <= 0.501 * scale
        assert near.mean() > 0.9  # the rest lies beyond the last step
        tensor.CopyFrom(onnx.numpy_helper.from_array((steps * scale).astype(np.float32), tensor.name))
    assert halved or kind == "mlp"  # whose columns here are odd in number
    rows = odd_rows(kind)
    np.testing.assert_allclose(
        calibrate.run(small, rows)[0], calibrate.run(Graph(read_back), rows)[0], rtol=1e-4, atol=1e-4
    )


def test_four_bits_take_half_the_bytes_of_eight() -> None:
    big = made.student("gru", dataset("gru"), buckets=20_000, embedding=64)
    sizes = [quantize.weights(export.graph(big), bits).model.ByteSize() for bits in (8, 4)]
    assert sizes[1] < 0.6 * sizes[0]


def test_a_small_matrix_keeps_eight_bits_where_tables_have_four() -> None:
    stored = {tensor.name for tensor in quantize.weights(exported("conv"), bits=4).model.graph.initializer}
    assert not [name for name in stored if name.endswith("/int4")]
    halved = {name.removesuffix("/uint4") for name in stored if name.endswith("/uint4")}
    whole = {name.removesuffix("/int8") for name in stored if name.endswith("/int8")}
    assert whole and halved
    read = {node.input[0] for node in exported("conv").model.graph.node if node.op_type == "Gather"}
    assert halved <= read
    assert not whole & read
