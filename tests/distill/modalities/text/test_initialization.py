"""What a student of texts starts from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from distill.errors import RecipeError
from distill.modalities.text import initialization
from distill.modalities.text.modality import TEXT
from distill.recipe.schema import Student as Config
from distill.teachers.precomputed import PrecomputedModel
from distill.training import train
from tests.distill import made

CONFIG = Config(kind="static", vocabulary=100, buckets=8, max_tokens=32, embedding=16)


def test_a_single_word_of_the_teacher_starts_finite_embeddings() -> None:
    rows = made.text_rows(["one"] * 6, [0, 1] * 3)
    dataset = made.dataset_of("text", made.inputs_of(rows), [rows, rows, rows])
    config = CONFIG
    prelude = TEXT.fit_prelude(config, dataset, None, (), None)
    network = train.fresh(config, TEXT, prelude, 2, 0, np.ones((len(prelude.words), 24), np.float32))
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_embeddings_start_as_near_each_other_as_the_teachers_words(empty_cache: Path) -> None:
    dataset = made.text_dataset()
    config = CONFIG
    prelude = TEXT.fit_prelude(config, dataset, None, (), None)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(len(prelude.words), 24)).astype(np.float32)
    vectors[1] = vectors[0] + 0.01
    network = train.fresh(config, TEXT, prelude, 2, 0, vectors)
    weight = network.embedding.weight.detach().numpy()[2 : 2 + len(vectors)]  # type: ignore[union-attr,operator]
    gaps = np.linalg.norm(weight - weight[0], axis=1)
    assert gaps[1] < 0.1 * np.median(gaps)


def test_a_twin_starts_from_nothing_of_the_teachers_words(empty_cache: Path) -> None:
    teacher = made.teacher(made.SmallEncoder())
    prelude = TEXT.fit_prelude(CONFIG, made.text_dataset(), None, (), teacher)
    vectors = initialization.of_words(CONFIG, teacher, prelude, True)
    assert vectors is not None and vectors.shape == (len(prelude.words), 32)
    assert initialization.of_words(CONFIG, teacher, prelude, False) is None


def test_a_teacher_that_is_no_encoder_gives_no_words_and_no_layers() -> None:
    spoken = made.teacher(PrecomputedModel())
    assert initialization.word_vectors(spoken, ["good"]) is None
    prelude = TEXT.fit_prelude(CONFIG, made.text_dataset(), None, (), spoken)
    with pytest.raises(RecipeError, match="this teacher has none"):
        initialization.of_layers(CONFIG, spoken, prelude, True)
