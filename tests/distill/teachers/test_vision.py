"""Teachers of pictures: Lite0's features, a graph of the user's own, and histograms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from distill.data.rows import Dataset
from distill.errors import RecipeError
from distill.recipe.schema import Teacher
from distill.teachers import fit, histograms, lite0, picture_features, vision_finetune
from handler.bundle.contract import Input
from tests.distill.modalities.image.pictures import KINDS, shapes

INPUTS = (Input("pixels", "uint8", "image", background="#ffffff"),)


def dataset() -> Dataset:
    parts = (shapes(count, seed) for count, seed in ((60, 1), (24, 2), (24, 3)))
    return Dataset("shapes", "image", INPUTS, KINDS, *parts, fingerprint="shapes", licence="", public=True)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path_factory.getbasetemp() / "vision"))


def accuracy(config: Teacher, base: Path, folds: int = 1) -> float:
    rows = dataset()
    teacher = fit.fit(config, rows, folds, 0, base)
    return float((teacher.logits(rows.test).argmax(axis=1) == rows.test.labels).mean())


def test_a_head_on_frozen_features_learns(tmp_path: Path) -> None:
    assert accuracy(Teacher(kind="vision", size=96), tmp_path) > 0.7


def test_histograms_learn(tmp_path: Path) -> None:
    assert accuracy(Teacher(kind="histograms"), tmp_path) > 0.7


def test_both_make_a_stack(tmp_path: Path) -> None:
    stack = Teacher(kind="stack", members=("vision", "histograms"), size=96)
    assert accuracy(stack, tmp_path, folds=3) > 0.7


def test_a_row_out_of_its_fold_is_answered_by_another_model(tmp_path: Path) -> None:
    rows = dataset()
    teacher = fit.fit(Teacher(kind="vision", size=96), rows, 3, 0, tmp_path)
    assert np.abs(teacher.out_of_fold_logits(rows.train) - teacher.logits(rows.train)).max() > 0.01


def test_lite0_as_a_graph_answers_as_in_torch() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    network = picture_features.lite0_network(64)
    square = picture_features.square(picture, 64).astype(np.float32)
    with torch.no_grad():
        scaled = torch.from_numpy((square - lite0.MEAN) / lite0.DEVIATION).permute(2, 0, 1)[None]
        wanted = lite0.pretrained()(scaled)[0].numpy()
    np.testing.assert_allclose(network.of(picture), wanted, rtol=1e-3, atol=1e-4)


def test_lite0_knows_what_imagenet_taught_it() -> None:
    """The weights are laid out rightly: features of a picture and of its shifted copy agree, of noise they do not."""
    network = picture_features.lite0_network(224)
    random = np.random.default_rng(0)
    one = shapes(1).columns["pixels"][0]
    from distill.data import pixels

    picture = pixels.of(one)
    near, far = np.roll(picture, 3, axis=1), random.integers(0, 256, picture.shape, dtype=np.uint8)
    said = [network.of(it) for it in (picture, near, far)]
    likeness = [float(np.corrcoef(said[0], it)[0, 1]) for it in said[1:]]
    assert likeness[0] > 0.9 > likeness[1] + 0.1


def own_graph(path: Path, kind: int, shape: list[object], axes: list[int]) -> Path:
    """The mean colour of a picture, as a graph."""
    nodes = [
        helper.make_node("Cast", ["picture"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["colour"], keepdims=0),
    ]
    tensors = [onnx.numpy_helper.from_array(np.array(axes, np.int64), "axes")]
    inputs = [helper.make_tensor_value_info("picture", kind, shape)]
    outputs = [helper.make_tensor_value_info("colour", TensorProto.FLOAT, ["N", "C"])]
    graph = helper.make_graph(nodes, "own", inputs, outputs, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.mark.parametrize(
    ("kind", "shape", "axes"),
    [
        (TensorProto.UINT8, ["N", "H", "W", 3], [1, 2]),
        (TensorProto.FLOAT, ["N", 3, 32, 32], [2, 3]),
    ],
)
def test_a_graph_of_ones_own_teaches(tmp_path: Path, kind: int, shape: list[object], axes: list[int]) -> None:
    own_graph(tmp_path / "own.onnx", kind, shape, axes)
    rows = dataset()
    teacher = fit.fit(Teacher(kind="vision", model="own.onnx"), rows, 1, 0, tmp_path)
    assert teacher.logits(rows.test).shape == (24, 3)
    assert "user's own" in teacher.description


def test_a_graph_that_reads_no_pictures_is_refused(tmp_path: Path) -> None:
    own_graph(tmp_path / "own.onnx", TensorProto.FLOAT, ["N", 4], [1])
    with pytest.raises(RecipeError, match="wanted one input of pictures"):
        fit.fit(Teacher(kind="vision", model="own.onnx"), dataset(), 1, 0, tmp_path)


@pytest.mark.parametrize("content", [b"no graph", None])
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "own.onnx").write_bytes(content)
    with pytest.raises(RecipeError, match=r"teacher\.model"):
        fit.fit(Teacher(kind="vision", model="own.onnx"), dataset(), 1, 0, tmp_path)


def test_a_graph_of_ones_own_is_not_tuned(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="frozen"):
        fit.fit(Teacher(kind="vision", model="own.onnx", mode="finetune"), dataset(), 1, 0, tmp_path)


@pytest.mark.slow
def test_a_tuned_network_learns_and_is_taken_up_where_it_was_cut_off(tmp_path: Path) -> None:
    rows = dataset()
    settings = vision_finetune.Settings(48, 6, 16, 1e-3, "float32")
    model = vision_finetune.fit(settings, rows.train, rows.validation, 3, 0, tmp_path, "teacher")
    assert (model.logits(rows.test).argmax(axis=1) == rows.test.labels).mean() > 0.6
    assert sorted(path.name for path in tmp_path.iterdir()) == [vision_finetune.FILE]


def test_histograms_see_where_edges_point() -> None:
    across, down = (np.zeros((64, 64, 3), np.uint8) for _ in range(2))
    across[:, ::8], down[::8] = 255, 255
    assert np.abs(histograms.described(across) - histograms.described(down)).max() > 0.3
