"""The peers themselves, each in its own environment, on a few made-up rows."""

from __future__ import annotations

from dataclasses import replace
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
PEERS = {peer.name: peer for peer in launch.PEERS}
every_peer = pytest.mark.parametrize("name", [peer.name for peer in launch.PEERS if peer.rows == launch.TEXTS])
of_columns = pytest.mark.parametrize("name", [peer.name for peer in launch.PEERS if peer.rows == launch.COLUMNS])


@pytest.fixture(autouse=True)
def environment() -> Path:
    if not (launch.ENVIRONMENT / "bin" / "python").exists():
        pytest.skip("the peers' environment is missing: make .venv-peers")
    return launch.ENVIRONMENT


@pytest.fixture
def questions(tmp_path: Path) -> exchange.Questions:
    plain, fitted = (encoders.save(tmp_path / name, seed=seed) for seed, name in enumerate(("plain", "fitted")))
    return asked.questions(train=200, odd=ODD, encoder=plain, fitted=fitted)


def ask(name: str, questions: exchange.Questions) -> exchange.Answers:
    return launch.run(PEERS[name], questions)


@every_peer
def test_a_peer_answers_every_row_by_what_is_best_on_validation_rows_and_again_the_same(
    name: str, questions: exchange.Questions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "cache"))
    answers = ask(name, questions)
    assert answers.test.shape == (len(questions.test), 2)
    np.testing.assert_allclose(answers.test.sum(axis=1), 1, atol=1e-5)
    accuracies = answers.about["validation_accuracies"]
    assert 1 <= len(answers.about["settings"]) == len(accuracies) <= questions.settings
    assert answers.about["chosen"] == int(np.argmax(accuracies))
    assert (answers.timings > 0).all()
    assert answers.about["kilobytes"] > 0.5

    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "another cache"))
    again = ask(name, questions)
    np.testing.assert_array_equal(answers.test, again.test)
    assert answers.about == again.about
    assert not np.array_equal(answers.timings, again.timings)  # it was not the cache that answered


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("name", ["tfidf", "fasttext"])
def test_a_peer_learns(name: str, questions: exchange.Questions) -> None:
    texts, labels = asked.labelled(600, 5)
    answers = ask(name, replace(questions, settings=4, train=texts, train_labels=labels))
    often = max(np.bincount(questions.validation_labels)) / len(questions.validation_labels)
    assert max(answers.about["validation_accuracies"]) > often + 0.1


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("name", ["model2vec", "model2vec_quantised"])
def test_model2vec_does_without_a_fitted_encoder(name: str, questions: exchange.Questions) -> None:
    answers = ask(name, replace(questions, fitted=None, head_weight=None, head_bias=None))
    assert [setting["encoder"] for setting in answers.about["settings"]] == ["plain", "plain"]


@pytest.mark.usefixtures("empty_cache")
def test_the_int8_encoder_answers_almost_as_the_fitted_one(questions: exchange.Questions) -> None:
    assert questions.fitted is not None
    network = EncoderClassifier(Path(questions.fitted), 2)
    head = {"weight": torch.tensor(questions.head_weight), "bias": torch.tensor(questions.head_bias)}
    network.head[1].load_state_dict(head)
    texts = Texts(Path(questions.fitted), questions.test, questions.max_tokens)
    wanted = softmax(forward_all(network, texts, texts.in_order(16), pooled=False, precision="float32"), axis=1)
    answers = ask("minilm_int8", questions)
    assert np.abs(answers.test - wanted).max() < 0.2  # of random weights, which are worse to round than trained ones
    assert np.abs(answers.test - wanted).mean() < 0.02


def table(rows: int, seed: int) -> tuple[list[list[object]], list[int]]:
    """Two numbers, one with holes, and a word that counts as much; three classes."""
    random = np.random.default_rng(seed)
    numbers, words = random.normal(size=(rows, 2)), random.choice(["red", "green", "blue", "rare"], rows)
    labels = (numbers[:, 0] > 0).astype(int) + (words == "red")
    holes = random.random(rows) < 0.1
    cells = zip(numbers[:, 0].tolist(), numbers[:, 1].tolist(), holes.tolist(), words.tolist(), strict=True)
    return [[first, None if hole else second, word] for first, second, hole, word in cells], labels.tolist()


@of_columns
def test_a_peer_for_columns_learns_and_answers_by_its_onnx_graph(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "cache"))
    (train, labels), (held, held_labels), (test, gold) = (table(rows, i) for i, rows in enumerate((300, 60, 80)))
    questions = exchange.Questions(
        classes=4,  # one of which no row has
        seed=3,
        settings=2,
        timed_rows=20,
        max_tokens=0,
        train=train,
        train_labels=labels,
        validation=held,
        validation_labels=held_labels,
        test=[*test, [0.5, None, "never seen"]],
        numbers=[True, True, False],
    )
    answers = ask(name, questions)
    assert (answers.test[:-1].argmax(axis=1) == gold).mean() > 0.85
    assert (answers.test[:, 3] == 0).all()
    assert answers.about["description"].endswith("ONNX")
    assert answers.about["kilobytes"] > 0.5
    assert (answers.timings > 0).all()
