"""What other people's classifiers are asked, and what becomes of their answers; the programs themselves are faked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill.evaluation.contenders import Contender
from distill.experiments import comparison, peer_answers
from distill.experiments.peers import launch
from distill.experiments.peers.exchange import Answers, Questions
from distill.experiments.peers.launch import Peer
from distill.modalities.tabular.modality import TABULAR
from distill.modalities.text.modality import TEXT
from distill.pipeline.training_inputs import TrainingInputs
from distill.recipe.schema import Teacher as TeacherConfig
from distill.teachers import fit
from distill.teachers.encoder_network import EncoderClassifier, Texts
from distill.training.soft_labels import SoftLabels
from tests.distill import made
from tests.distill.teachers import encoders

ROWS = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return encoders.save(tmp_path / "tiny-bert")


def config_of(folder: Path, mode: str = "frozen") -> TeacherConfig:
    return TeacherConfig(kind="encoder", model=str(folder), mode=mode, epochs=1, max_tokens=32, precision="float32")


def inputs(folder: Path, mode: str) -> TrainingInputs:
    rows, config = made.text_dataset(60, ROWS), config_of(folder, mode)
    teacher = fit.fit(config, rows, 1, 0, folder.parent)
    soft = SoftLabels(rows.train, teacher.logits(rows.train))
    held = SoftLabels(rows.validation, teacher.logits(rows.validation))
    return TrainingInputs(TEXT, rows, teacher, (), soft, held, 0, 0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Questions]:
    """Every peer gives the first class to the test rows and the second to those with slips."""
    questions: dict[str, Questions] = {}

    def run(peer: Peer, found: Questions) -> Answers:
        questions[peer.name] = found
        if found.fitted is not None:  # gone once the question is answered
            network = EncoderClassifier(Path(found.fitted), 2).eval()
            pooled = network.pool(Texts(Path(found.fitted), found.test[:ROWS], 32).batch(range(ROWS)))
            weight, bias = np.array(found.head_weight), np.array(found.head_bias)
            questions["logits"] = pooled.detach().numpy() @ weight.T + bias  # type: ignore[assignment]
        test = np.eye(2, dtype=np.float32)[[0] * ROWS + [1] * ROWS]
        return Answers(test, np.full(ROWS, 7.0), {"description": peer.name, "kilobytes": 12.0})

    monkeypatch.setattr(launch, "run", run)
    return questions


def ask(given: TrainingInputs, folder: Path, settings: int = 4) -> tuple[Contender, ...]:
    return peer_answers.ask(given, config_of(folder), folder.parent, comparison.perturbed(given), settings)


def test_a_fine_tuned_teacher_is_given_to_the_peers_as_it_is(
    folder: Path, empty_cache: Path, asked: dict[str, Questions]
) -> None:
    given = inputs(folder, "finetune")
    found = ask(given, folder)
    assert {one.name for one in found} == set(TEXT.peers)
    np.testing.assert_allclose(asked["logits"], given.teacher.logits(given.rows.test), atol=1e-4)


def test_the_peers_that_need_a_fine_tuned_teacher_are_left_out_where_there_is_none(
    folder: Path, empty_cache: Path, asked: dict[str, Questions]
) -> None:
    found = ask(inputs(folder, "frozen"), folder)
    assert {one.name for one in found} == set(TEXT.peers) - {"minilm_int8"}
    assert asked["model2vec"].fitted is None


def test_the_test_rows_go_over_without_labels_and_once_more_misspelt(
    folder: Path, empty_cache: Path, asked: dict[str, Questions]
) -> None:
    given = inputs(folder, "frozen")
    found = ask(given, folder, settings=3)
    questions = asked["tfidf"]
    texts = given.rows.test.columns["text"].tolist()
    assert list(questions.test[:ROWS]) == texts
    assert list(questions.test[ROWS:]) != texts
    assert len(questions.test) == 2 * ROWS
    assert questions.settings == 3
    one = found[0]
    assert one.probabilities.argmax(axis=1).tolist() == [0] * ROWS
    assert one.perturbed is not None
    assert one.perturbed.argmax(axis=1).tolist() == [1] * ROWS
    assert (one.role, one.kilobytes) == ("peer", 12.0)


def test_columns_go_over_as_cells_with_none_for_a_hole_and_without_an_encoder(
    empty_cache: Path, asked: dict[str, Questions]
) -> None:
    rows = made.tabular_dataset(60, ROWS)
    soft = SoftLabels(rows.train, np.zeros((60, 2), np.float32))
    given = TrainingInputs(TABULAR, rows, made.teacher(made.SmallEncoder()), (), soft, soft, 0, 0)
    found = peer_answers.ask(given, TeacherConfig(model="nowhere"), Path(), None, names=("lightgbm",))
    questions = asked["lightgbm"]
    assert [one.name for one in found] == ["lightgbm"]
    assert questions.numbers == [True, True, True, False]
    assert questions.encoder is None
    for cells, height, colour in zip(
        questions.train, rows.train.columns["height"], rows.train.columns["colour"], strict=True
    ):
        assert cells[3] == colour
        assert (cells[1] is None) == bool(np.isnan(height))
    assert any(cells[1] is None for cells in questions.train)
    assert len(questions.test) == ROWS
