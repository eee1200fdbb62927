"""Students of pictures: folded, exported and in integers they answer as they did; and what is new to them."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn

from distill.data import pixels
from distill.data.rows import Rows
from distill.evaluation.novelty_auroc import Contrast, judge
from distill.graph import calibrate, export, quantize
from distill.graph.export import Graph
from distill.modalities.image import batches, novelty, prelude, students
from distill.modalities.image.modality import IMAGE
from distill.modalities.image.prelude import PicturePrelude
from distill.recipe.schema import Student as Config
from distill.training import train
from tests.distill.modalities.image.pictures import of_arrays, shapes

CLASSES = 3
KINDS = {
    "blocks": Config(kind="blocks", blocks=4, size=48),
    "dsconv": Config(kind="dsconv", width=32, layers=4, size=32),
}


def fresh(kind: str, fit: str = "crop") -> train.Student:
    """A student that has learnt nothing, but whose batch norms have seen pictures."""
    config = KINDS[kind].model_copy(update={"fit": fit})
    reads = prelude.made(config.size or 0, fit)
    torch.manual_seed(0)
    network = IMAGE.students[kind].build(config, reads, CLASSES, None)
    with torch.no_grad():
        for _ in range(20):
            network.train()(*batches.batches(reads, rows()).batch(np.arange(24)))
    return train.Student(network.eval(), IMAGE, reads, config, best_epoch=1, validation_loss=0.0)


@cache
def rows() -> Rows:
    return shapes(24)


def logits(graph: Graph) -> np.typing.NDArray[np.float32]:
    return calibrate.run(graph, rows(), pixels.feeds)[0]


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_graph_answers_as_the_network(kind: str) -> None:
    student = fresh(kind)
    graph = export.graph(student)
    np.testing.assert_allclose(logits(graph), train.logits(student, rows()), rtol=1e-3, atol=1e-4)
    assert not [node for node in graph.model.graph.node if node.op_type == "BatchNormalization"]


@pytest.mark.parametrize("kind", list(KINDS))
def test_in_integers_it_answers_nearly_alike_in_fewer_bytes(kind: str) -> None:
    graph = export.graph(fresh(kind))
    small = quantize.weights(graph)
    whole, found = (torch.softmax(torch.from_numpy(logits(it)), dim=1).numpy() for it in (graph, small))
    assert np.abs(whole - found).mean() < 0.03
    assert small.model.ByteSize() < 0.75 * graph.model.ByteSize()


def test_the_first_blocks_are_left_as_imagenet_made_them() -> None:
    network = fresh("blocks").network
    assert isinstance(network, students.PictureStudent)
    trained = {name for name, it in network.named_parameters() if it.requires_grad}
    assert not [name for name in trained if name.startswith(("trunk.stem", "trunk.blocks.0.", "trunk.blocks.1."))]
    assert [name for name in trained if name.startswith("trunk.blocks.3.")]


def test_folding_leaves_the_network_that_is_folded_alone() -> None:
    network = fresh("dsconv").network
    before = sum(isinstance(part, nn.BatchNorm2d) for part in network.modules())
    assert not [part for part in students.folded(network).modules() if isinstance(part, nn.BatchNorm2d)]
    assert sum(isinstance(part, nn.BatchNorm2d) for part in network.modules()) == before > 0


@pytest.mark.parametrize("sides", [(7, 7), (4, 3), (2, 2), (1, 1)])
def test_the_pyramid_means_over_parts_that_cover_all_of_the_picture(sides: tuple[int, int]) -> None:
    cells = students._cells(*sides, (1, 2, 3)[: min(sides)]).numpy()
    np.testing.assert_allclose(cells.sum(axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(cells[:, 0], 1 / (sides[0] * sides[1]), rtol=1e-6)


def described(student: train.Student, some: Rows) -> tuple[np.typing.NDArray[np.float32], ...]:
    return calibrate.run(export.graph(student), some, pixels.feeds)


def test_noise_and_flat_colour_and_other_drawings_are_newer_than_shapes() -> None:
    student = fresh("blocks")
    known, held = shapes(240, seed=1), shapes(60, seed=2)
    finished = calibrate.fit(export.graph(student), IMAGE, known, held)
    random = np.random.default_rng(3)
    noise = [random.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(20)]
    flat = [np.full((64, 64, 3), random.integers(0, 256, 3), np.uint8) for _ in range(20)]
    for strange in (noise, flat):
        found = judge(finished.graph, Contrast("", shapes(60, seed=4), of_arrays(strange), None), 0, pixels.feeds)
        assert found.auroc.value > 0.95


def test_the_score_in_the_graph_is_that_of_validation_rows() -> None:
    student = fresh("dsconv")
    said, held = described(student, rows())
    score = novelty.two_scores(said, held, lambda: (held, rows().labels))
    finished = calibrate.fit(export.graph(student), IMAGE, rows(), rows())
    session = ort.InferenceSession(finished.graph.model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = np.concatenate([session.run(["novelty"], dict(it))[0] for _, it in pixels.feeds(rows().columns)])
    order, wanted = np.argsort(found, kind="stable"), np.argsort(score.validation_scores, kind="stable")
    assert (order == wanted).mean() > 0.9


def test_the_resized_picture_is_an_output_and_is_answered_alike() -> None:
    finished = calibrate.fit(export.graph(fresh("blocks", "letterbox")), IMAGE, rows(), rows())
    session = ort.InferenceSession(finished.graph.model.SerializeToString(), providers=["CPUExecutionProvider"])
    for _, feed in pixels.feeds(rows().columns):
        whole, resized = session.run(["probabilities", prelude.RESIZED], dict(feed))
        [again] = session.run(["probabilities"], {pixels.COLUMN: resized})
        np.testing.assert_allclose(whole, again, atol=1e-6)


def test_the_prelude_of_a_recipe_has_its_size_and_fit() -> None:
    made: PicturePrelude = prelude.fit_for(Config(size=40, fit="letterbox"), None)  # type: ignore[arg-type]
    assert made.width == 40
    assert [node for node in made.model.graph.node if node.op_type == "Pad"]
