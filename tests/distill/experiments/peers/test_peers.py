"""The peers themselves, each in its own environment, on a few made-up rows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax

from distill.experiments.peers import exchange, launch
from distill.modalities.text.golden import TEXTS
from distill.teachers.encoder_network import EncoderClassifier, Texts, forward_all
from tests.distill.experiments.peers import asked
from tests.distill.teachers import encoders

pytestmark = pytest.mark.slow
ODD = (*TEXTS, "__label__1 __LABEL__0", "</s> good", "\n\n", "\x00")
every_peer = pytest.mark.parametrize("name", launch.PEERS)


@pytest.fixture(autouse=True)
def environment() -> Path:
    if not (launch.ENVIRONMENT / "bin" / "python").exists():
        pytest.skip("the peers' environment is missing: make .venv-peers")
    return launch.ENVIRONMENT


@pytest.fixture
def questions(tmp_path: Path) -> exchange.Questions:
    plain, fitted = (encoders.save(tmp_path / name, seed=seed) for seed, name in enumerate(("plain", "fitted")))
    return asked.questions(train=200, odd=ODD, encoder=plain, fitted=fitted)


def ask(name: str, questions: exchange.Questions, folder: Path) -> exchange.Answers:
    exchange.write_questions(folder, questions)
    return launch.run(launch.PEERS[name], folder)


@every_peer
def test_a_peer_answers_every_row_by_what_is_best_on_validation_rows_and_again_the_same(
    name: str, questions: exchange.Questions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "cache"))
    answers = ask(name, questions, tmp_path / "asked")
    assert answers.test.shape == (len(questions.test), 2)
    np.testing.assert_allclose(answers.test.sum(axis=1), 1, atol=1e-5)
    assert 1 <= len(answers.settings) <= questions.task.settings
    accuracies = [trial.validation_accuracy for trial in answers.settings]
    assert answers.chosen == int(np.argmax(accuracies))
    right = answers.validation.argmax(axis=1) == np.array(questions.validation.labels)
    assert right.mean() == pytest.approx(accuracies[answers.chosen])
    assert (answers.timings > 0).all()
    assert answers.kilobytes > 0.5
    assert [path.name for path in (tmp_path / "asked" / name).iterdir() if path.is_dir()] == []

    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "another cache"))
    again = ask(name, questions, tmp_path / "asked again")
    np.testing.assert_array_equal(answers.test, again.test)
    np.testing.assert_array_equal(answers.validation, again.validation)
    assert (answers.settings, answers.kilobytes) == (again.settings, again.kilobytes)
    assert not np.array_equal(answers.timings, again.timings)  # it was not the cache that answered


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("name", ["tfidf", "fasttext"])
def test_a_peer_learns(name: str, questions: exchange.Questions, tmp_path: Path) -> None:
    task = dataclasses.replace(questions.task, settings=4)
    answers = ask(name, dataclasses.replace(questions, task=task, train=asked.labelled(600, 5)), tmp_path / "asked")
    often = max(np.bincount(questions.validation.labels)) / len(questions.validation.labels)
    assert answers.settings[answers.chosen].validation_accuracy > often + 0.1


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("name", ["model2vec", "model2vec_quantised"])
def test_model2vec_does_without_a_fitted_encoder(name: str, questions: exchange.Questions, tmp_path: Path) -> None:
    task = dataclasses.replace(questions.task, fitted=None)
    answers = ask(name, dataclasses.replace(questions, task=task, head=None), tmp_path / "asked")
    assert [trial.setting["encoder"] for trial in answers.settings] == ["plain", "plain"]


@pytest.mark.usefixtures("empty_cache")
def test_the_int8_encoder_answers_almost_as_the_fitted_one(questions: exchange.Questions, tmp_path: Path) -> None:
    task, head = questions.task, questions.head
    assert task.fitted is not None and head is not None
    network = EncoderClassifier(task.fitted, 2)
    network.head[1].load_state_dict({"weight": torch.from_numpy(head.weight), "bias": torch.from_numpy(head.bias)})
    texts = Texts(task.fitted, questions.test, task.max_tokens)
    wanted = softmax(forward_all(network, texts, texts.in_order(16), pooled=False, precision="float32"), axis=1)
    answers = ask("minilm_int8", questions, tmp_path / "asked")
    assert np.abs(answers.test - wanted).max() < 0.2  # of random weights, which are worse to round than trained ones
    assert np.abs(answers.test - wanted).mean() < 0.02
