"""A folder of made-up pictures through the whole spine: sealed, and answered by the predictor that serves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill.modalities import resolve
from distill.pipeline import run
from distill.recipe.schema import Data, Evaluation, Gates, Recipe, Student, Transfer
from handler.bundle import contract
from handler.modalities import register
from handler.model.predictor import Predictor
from tests.distill.modalities.image import pictures

EACH = 67  # pictures a class


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[run.Outcome, Path]:
    root = tmp_path_factory.mktemp("pictures")
    folder = pictures.folder(root / "shapes", EACH)
    recipe = Recipe(
        name="shapes",
        data=Data(source="folder", path=str(folder)),
        transfer=Transfer(augment=2, forbid=("mirror",)),
        student=Student(kind="blocks", blocks=3, size=64, epochs=10, gold_weight=0.5, temperature=1.0),
        evaluation=Evaluation(repeats=0, bootstrap=100),
        gates=Gates(min_retention=0.5, allow_worse=True, max_latency_ms=1000),
    )
    return run.run(recipe, root, root / "bundles"), root


@pytest.mark.slow
def test_a_folder_of_pictures_is_sealed(made: tuple[run.Outcome, Path]) -> None:
    outcome, _ = made
    assert outcome.folder is not None, outcome.gates
    serving = contract.read(outcome.folder).serving
    assert (serving.task, serving.inputs[0].kind, serving.inputs[0].background) == ("image", "image", "#ffffff")
    assert serving.limits.max_pixels == 25_000_000


@pytest.mark.slow
def test_the_predictor_answers_a_file_as_training_read_it(made: tuple[run.Outcome, Path]) -> None:
    outcome, root = made
    assert outcome.folder is not None
    predictor = Predictor.load(outcome.folder)
    right = 0
    for kind in pictures.KINDS:
        for place in range(8):
            content = (root / "shapes" / kind / f"{place}.{'jpg' if place % 2 else 'png'}").read_bytes()
            [answer] = predictor.predict(register.check([content], predictor.serving))
            right += answer.label == kind
    assert right >= 18  # of 24; by chance 8


@pytest.mark.slow
def test_noise_is_new_and_a_shape_is_not(made: tuple[run.Outcome, Path]) -> None:
    outcome, _ = made
    assert outcome.folder is not None
    predictor = Predictor.load(outcome.folder)
    random = np.random.default_rng(5)
    known = [np.asarray(pictures.shape(kind, random)) for kind in pictures.KINDS]
    strange = [random.integers(0, 256, (64, 64, 3), dtype=np.uint8), np.full((64, 64, 3), 90, np.uint8)]
    novelty = [answer.novelty for answer in predictor.predict([*known, *strange])]
    assert min(novelty[3:]) > 0.95
    assert np.mean(novelty[:3]) < 0.95


@pytest.mark.slow
def test_a_picture_is_answered_alike_in_any_format_without_loss(made: tuple[run.Outcome, Path], tmp_path: Path) -> None:
    outcome, _ = made
    assert outcome.folder is not None
    predictor = Predictor.load(outcome.folder)
    picture = pictures.shape("box", np.random.default_rng(6))
    scores = []
    for kind in ("png", "bmp", "webp", "tiff"):
        file = tmp_path / f"picture.{kind}"
        picture.save(file, lossless=True) if kind == "webp" else picture.save(file)
        [answer] = predictor.predict(register.check([file.read_bytes()], predictor.serving))
        scores.append(list(answer.scores.values()))
    np.testing.assert_allclose(scores, np.tile(scores[0], (4, 1)), atol=1e-6)


def test_a_recipe_of_pictures_has_defaults_of_its_own() -> None:
    recipe = resolve.resolved(Recipe(name="shapes", data=Data(source="folder", path="shapes")))
    assert (recipe.teacher.kind, recipe.student.kind) == ("vision", "blocks")
    assert (recipe.gates.max_latency_ms, recipe.serving.max_pixels) == (30, 25_000_000)
    assert resolve.resolved(recipe) == recipe


def test_a_default_gives_way_to_what_the_recipe_says() -> None:
    recipe = Recipe(name="shapes", data=Data(source="folder", path="shapes"), gates=Gates(max_latency_ms=3))
    assert resolve.resolved(recipe).gates.max_latency_ms == 3
