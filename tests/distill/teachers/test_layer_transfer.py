"""What a small encoder starts from: the teacher's own first layers and pieces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import DistilBertConfig, DistilBertModel

from distill.data.rows import Dataset
from distill.errors import RecipeError
from distill.modalities.text import initialization
from distill.modalities.text.modality import TEXT
from distill.recipe.schema import Student as Config
from distill.recipe.schema import Teacher as TeacherConfig
from distill.teachers import fit
from distill.teachers.encoder import EncoderModel
from distill.teachers.precomputed import PrecomputedModel
from distill.teachers.teacher import Teacher
from distill.training import train
from distill.training.soft_labels import SoftLabels
from distill.training.train import Student
from tests.distill import made
from tests.distill.teachers import encoders

MINI = Config(kind="mini", layers=2, vocabulary=100, buckets=16, max_tokens=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoders.save(tmp_path_factory.mktemp("encoder") / "tiny-bert")


def taught(folder: Path, dataset: Dataset, **settings: object) -> Teacher:
    fixed = {"kind": "encoder", "mode": "finetune", "epochs": 1, "max_tokens": 32, "precision": "float32"}
    config = TeacherConfig(**(fixed | {"model": str(folder)} | settings))
    return fit.fit(config, dataset, 1, 0, folder.parent)


def student(teacher: Teacher, dataset: Dataset, config: Config = MINI, tuned: bool = True) -> Student:
    """As it is before its first step of training."""
    prelude = TEXT.fit_prelude(config, dataset, None, (), teacher)
    network = train.fresh(config, TEXT, prelude, 2, 0, initialization.of_layers(config, teacher, prelude, tuned))
    return Student(network.eval(), TEXT, prelude, config, best_epoch=0, validation_loss=0.0)


def test_with_all_of_its_teachers_layers_a_student_says_what_the_teacher_says(folder: Path, empty_cache: Path) -> None:
    dataset = made.text_dataset(60, 20)
    teacher = taught(folder, dataset)
    answers = train.logits(student(teacher, dataset), dataset.test)
    np.testing.assert_allclose(answers, teacher.logits(dataset.test), atol=1e-4)


def test_a_twin_starts_from_the_encoder_as_it_was_before_it_learnt_the_task(folder: Path, empty_cache: Path) -> None:
    dataset = made.text_dataset(60, 20)
    tuned = student(taught(folder, dataset), dataset).network.state_dict()
    before = student(taught(folder, dataset), dataset, tuned=False).network.state_dict()
    other = student(taught(folder, dataset, learning_rate=1e-3), dataset, tuned=False).network.state_dict()
    name = "layers.0.query.weight"
    assert not torch.equal(tuned[name], before[name])
    assert torch.equal(before[name], other[name])


def test_fewer_numbers_a_piece_come_near_the_teachers_embeddings(folder: Path, empty_cache: Path) -> None:
    dataset = made.text_dataset(60, 20)
    teacher = taught(folder, dataset)
    whole = train.logits(student(teacher, dataset), dataset.test)
    gaps = []
    for width in (8, 24):
        narrow = student(teacher, dataset, Config(**{**MINI.model_dump(), "embedding": width}))
        gaps.append(np.abs(train.logits(narrow, dataset.test) - whole).mean())
    assert gaps[1] < gaps[0]


def test_a_student_may_have_fewer_layers_than_its_teacher(folder: Path, empty_cache: Path) -> None:
    dataset = made.text_dataset(60, 20)
    small = student(taught(folder, dataset), dataset, Config(**{**MINI.model_dump(), "layers": 1}))
    assert not any(name.startswith("layers.1.") for name in small.network.state_dict())


@pytest.mark.parametrize(("key", "wanted"), [("layers", 3), ("max_tokens", 65)])
def test_a_student_larger_than_its_teacher_is_an_error_that_says_what_to_lower(
    folder: Path, empty_cache: Path, key: str, wanted: int
) -> None:
    dataset = made.text_dataset(60, 20)
    with pytest.raises(RecipeError, match=rf"student\.{key} is {wanted}, and the teacher has {wanted - 1}"):
        student(taught(folder, dataset), dataset, Config(**{**MINI.model_dump(), key: wanted}))


def test_an_encoder_of_another_kind_is_an_error(folder: Path, tmp_path: Path, empty_cache: Path) -> None:
    other = tmp_path / "distil"
    encoders.save(other)
    config = DistilBertConfig(vocab_size=24, dim=32, n_layers=2, n_heads=2, hidden_dim=48, max_position_embeddings=64)
    DistilBertModel(config).save_pretrained(other, safe_serialization=True)
    dataset = made.text_dataset(60, 20)
    with pytest.raises(RecipeError, match="'mini' starts from a teacher built like BERT, and this one is a distilbert"):
        student(taught(other, dataset), dataset)


def test_a_teacher_without_pieces_is_an_error() -> None:
    with pytest.raises(RecipeError, match="this teacher has none"):
        TEXT.fit_prelude(MINI, made.text_dataset(60, 20), None, (), made.teacher(PrecomputedModel()))


def test_the_teachers_word_pieces_leave_out_words_that_it_does_not_know(folder: Path, empty_cache: Path) -> None:
    teacher = taught(folder, made.text_dataset(60, 20))
    assert teacher.full.word_pieces(["good", "zebra"]) == [["good"], []]
    assert replace(teacher).full.word_pieces([]) == []


def test_a_teacher_that_has_cut_texts_is_saved_as_one_that_has_not(
    folder: Path, tmp_path: Path, empty_cache: Path
) -> None:
    teacher = taught(folder, made.text_dataset(60, 20))
    before, after = tmp_path / "before", tmp_path / "after"
    assert isinstance(teacher.full, EncoderModel)
    for where in (before, after):
        teacher.full.save(where)
        teacher.full.logits(made.text_dataset(40, 20).test)
    assert {path.name: path.read_bytes() for path in before.iterdir()} == {
        path.name: path.read_bytes() for path in after.iterdir()
    }


def test_a_mini_student_trains(folder: Path, empty_cache: Path) -> None:
    dataset = made.text_dataset(400, 60)
    teacher = taught(folder, dataset)
    config = Config(**{**MINI.model_dump(), "epochs": 8, "learning_rate": 3e-3, "batch_size": 16, "dropout": 0.0})
    prelude = TEXT.fit_prelude(config, dataset, None, (), teacher)
    soft, held = (
        train.hard_labels(SoftLabels(rows, np.zeros((len(rows), 2), np.float32)))
        for rows in (dataset.train, dataset.validation)
    )
    start = initialization.of_layers(config, teacher, prelude, False)
    found = train.distill(config, TEXT, prelude, soft, held, 2, 0, start)
    answers = train.logits(found, dataset.test).argmax(axis=1)
    majority = max(np.bincount(dataset.test.labels)) / len(dataset.test)
    assert (answers == dataset.test.labels).mean() > majority + 0.05
