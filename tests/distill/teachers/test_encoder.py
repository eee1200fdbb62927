from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from distill.data.rows import Dataset
from distill.errors import FetchError, RecipeError
from distill.recipe.schema import Teacher as Config
from distill.teachers import encoder, encoder_network, finetune, fit
from distill.teachers.encoder import EncoderModel
from distill.teachers.encoder_network import EncoderClassifier, Texts
from distill.teachers.teacher import Encoder, Teacher
from distill.teachers.weights import Weights, check_named
from handler.bundle.contract import sha256_of
from tests.distill import made
from tests.distill.teachers import encoders

TUNED = {"mode": "finetune", "epochs": 2, "batch_size": 8, "learning_rate": 1e-3}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads wait for each other longer than so small a network computes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def plain(train: int = 80, held: int = 20) -> Dataset:
    """Texts of good words or of bad ones: even an encoder of random weights tells them apart."""
    parts = []
    for seed, count in enumerate((train, held, held)):
        random = np.random.default_rng(seed)
        words = [["bad", "dull", "poor", "slow"], ["good", "great", "fine", "rich"]]
        labels = random.integers(2, size=count).tolist()
        texts = [" ".join(random.choice(words[label], size=int(random.integers(2, 12)))) for label in labels]
        parts.append(made.text_rows(texts, labels))
    return made.dataset_of("text", made.inputs_of(parts[0]), parts)


def accuracy(found: EncoderModel | Teacher, dataset: Dataset) -> float:
    return float((found.logits(dataset.test).argmax(axis=1) == dataset.test.labels).mean())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoders.save(tmp_path_factory.mktemp("weights") / "tiny-bert")


def weights(folder: Path) -> Weights:
    return Weights(folder, sha256_of(folder / "model.safetensors"), "none")


def config(folder: Path, **settings: object) -> Config:
    return Config(**({"kind": "encoder", "model": str(folder), "max_tokens": 32} | settings))


def teacher(folder: Path, dataset: Dataset, folds: int = 1, **settings: object) -> Teacher:
    return fit.fit(config(folder, **settings), dataset, folds, 0, folder.parent)


def tuned(folder: Path, dataset: Dataset, where: Path, seed: int = 0, **settings: object) -> EncoderModel:
    chosen = config(folder, **(TUNED | settings))
    return encoder.fit(chosen, weights(folder), dataset.train, dataset.validation, 2, seed, where, "teacher")


def fitted(where: Path) -> dict[str, list]:
    return {name: value.tolist() for name, value in load_file(where / "fitted.safetensors").items()}


def test_a_frozen_encoder_with_a_head_learns_and_leaves_the_encoder_alone(folder: Path, empty_cache: Path) -> None:
    dataset = plain()
    assert accuracy(teacher(folder, dataset), dataset) >= 0.9
    [stored] = empty_cache.rglob("fitted.safetensors")
    assert {name.split(".")[0] for name in load_file(stored)} == {"head"}


def test_a_teacher_says_where_it_comes_from_but_not_where_it_lies(folder: Path, empty_cache: Path) -> None:
    found = teacher(folder, plain(40))
    assert found.description == "tiny-bert, frozen, with an MLP head"
    assert found.weights_sha256 == sha256_of(folder / "model.safetensors")
    assert found.kilobytes == pytest.approx((folder / "model.safetensors").stat().st_size / 1000)


def test_fine_tuning_learns(folder: Path, tmp_path: Path) -> None:
    dataset = plain()
    assert accuracy(tuned(folder, dataset, tmp_path / "fit", epochs=3, learning_rate=3e-3), dataset) >= 0.9


def test_products_in_bfloat16_learn_and_answer_nearly_alike(folder: Path, tmp_path: Path) -> None:
    dataset = plain()
    settings = {"epochs": 3, "learning_rate": 3e-3}
    rough = tuned(folder, dataset, tmp_path / "rough", precision="bfloat16", **settings)
    assert accuracy(rough, dataset) >= 0.9
    exact = tuned(folder, dataset, tmp_path / "exact", **settings).logits(dataset.test)
    assert (rough.logits(dataset.test).argmax(axis=1) == exact.argmax(axis=1)).mean() > 0.9


def test_only_the_last_layers_are_trained_where_the_recipe_says_so(folder: Path, tmp_path: Path) -> None:
    dataset = plain(40, 20)
    tuned(folder, dataset, tmp_path / "fit", train_layers=1, epochs=1)
    trained = load_file(tmp_path / "fit" / "fitted.safetensors")
    assert {".".join(name.split(".")[:4]) for name in trained} == {
        "encoder.encoder.layer.1",
        "head.1.weight",
        "head.1.bias",
    }
    before = dict(EncoderClassifier(folder, 2).named_parameters())
    moved = {name for name, value in trained.items() if name in before and not torch.equal(value, before[name])}
    assert moved >= {name for name in trained if name.startswith("encoder") and "weight" in name}


def test_all_layers_are_trained_where_the_recipe_does_not_say(folder: Path, tmp_path: Path) -> None:
    tuned(folder, plain(40, 20), tmp_path / "fit", epochs=1)
    trained = load_file(tmp_path / "fit" / "fitted.safetensors")
    assert "encoder.embeddings.word_embeddings.weight" in trained
    assert "encoder.encoder.layer.0.attention.self.query.weight" in trained


class Unplugged(Exception):
    """The machine goes off."""


@pytest.fixture(scope="module")
def uninterrupted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """The weights after ten steps an epoch, two epochs."""
    where = tmp_path_factory.mktemp("whole")
    tuned(folder, plain(), where)
    return fitted(where)


@pytest.mark.parametrize("step", [5, 12, 19])
def test_interrupted_fine_tuning_taken_up_again_gives_the_same_weights(
    folder: Path, uninterrupted: dict[str, list], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(finetune, "_STEPS_BETWEEN_SAVES", 4)

    def until_unplugged(items: Iterable, description: str, total: int, already: int) -> Iterator:
        for count, item in enumerate(items, start=already + 1):
            if count == step:
                raise Unplugged
            yield item

    monkeypatch.setattr(finetune, "track", until_unplugged)
    with pytest.raises(Unplugged):
        tuned(folder, plain(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"unfinished.pt"}
    taken_up = []

    def counting(items: list, description: str, total: int, already: int) -> Iterator:
        taken_up.append((already, len(items)))
        yield from items

    monkeypatch.setattr(finetune, "track", counting)
    tuned(folder, plain(), tmp_path)
    done = (step - 1) // 4 * 4
    assert taken_up == [(done, 20 - done)]
    assert fitted(tmp_path) == uninterrupted
    assert {path.name for path in tmp_path.iterdir()} == {"fitted.safetensors"}


def test_another_seed_trains_another_teacher(folder: Path, tmp_path: Path) -> None:
    dataset = plain(40, 20)
    for seed in (0, 1):
        tuned(folder, dataset, tmp_path / str(seed), seed=seed, epochs=1)
    assert fitted(tmp_path / "0") != fitted(tmp_path / "1")


def judge_the_mean(monkeypatch: pytest.MonkeyPatch, loss: float) -> None:
    """Have the mean of several runs lose this on validation rows, and every single run 0.5."""
    mean = finetune.mean_of_runs

    def judged(runs: Sequence[Path], _: object, folder: Path, name: str) -> Path:
        return mean(runs, lambda file: 0.5 if file in runs else loss, folder, name)

    monkeypatch.setattr(finetune, "mean_of_runs", judged)


def test_a_teacher_of_several_runs_is_the_mean_of_their_weights(
    folder: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_the_mean(monkeypatch, 0.499)
    dataset, settings = plain(40, 20), TUNED | {"epochs": 1}
    alone = teacher(folder, dataset, **settings)
    together = teacher(folder, dataset, **settings, runs=3)
    parts = [load_file(file) for file in empty_cache.rglob("fitted.safetensors") if file != together.full.fitted]
    assert len(parts) == 3  # the one that was there already is the first of the three
    name = "head.1.weight"
    assert not torch.equal(parts[0][name], parts[1][name])
    mean = torch.stack([part[name] for part in parts]).mean(dim=0)
    assert torch.allclose(load_file(together.full.fitted)[name], mean, atol=1e-7)
    assert together.id != alone.id
    assert together.description.endswith("mean or best of 3 runs")


def test_where_the_mean_is_worse_than_a_run_on_validation_rows_the_run_is_kept(
    folder: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_the_mean(monkeypatch, 0.501)
    dataset, settings = plain(40, 20), TUNED | {"epochs": 1}
    alone = teacher(folder, dataset, **settings)
    together = teacher(folder, dataset, **settings, runs=2)
    assert fitted(together.full.fitted.parent) == fitted(alone.full.fitted.parent)


def test_a_finished_teacher_is_loaded_and_not_trained_again(
    folder: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = plain(40, 20)
    first = teacher(folder, dataset).logits(dataset.validation)
    monkeypatch.setattr(encoder, "_fit_head", lambda *_: pytest.fail("trained again"))
    again = teacher(folder, dataset)
    for path in empty_cache.rglob("logits/*.npy"):
        path.unlink()
    np.testing.assert_allclose(again.logits(dataset.validation), first, atol=1e-6)


def test_each_fold_has_a_teacher_of_its_own(folder: Path, empty_cache: Path) -> None:
    dataset = plain(60)
    found = teacher(folder, dataset, folds=3)
    assert len(found.folds) == 3
    crossed, full = found.out_of_fold_logits(dataset.train), found.logits(dataset.train)
    assert crossed.shape == full.shape
    assert not np.allclose(crossed, full)


def test_a_text_is_answered_alike_alone_and_beside_longer_ones(folder: Path, empty_cache: Path) -> None:
    dataset = plain(40, 20)
    found = teacher(folder, dataset)
    rows = made.text_rows(["", "good", "good " * 500, "zzz", *made.sentences(5, 0)])
    together = found.full.logits(rows)
    alone = np.concatenate([found.full.logits(rows.take(np.array([i]))) for i in range(len(rows))])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert np.isfinite(together).all()


def test_a_tokenizer_that_marks_nothing_still_reads_an_empty_text(tmp_path: Path) -> None:
    bare = encoders.save(tmp_path / "bare")
    encoder_network.tokenizer(bare).backend_tokenizer.post_processor = None
    texts = Texts(bare, ["", "good"], 32)
    assert texts.lengths.tolist() == [1, 1]


def test_word_vectors_are_one_a_word(folder: Path, empty_cache: Path) -> None:
    found = teacher(folder, plain(40, 20))
    assert isinstance(found.full, Encoder)
    vectors = found.full.word_vectors(["good", "bad", "good film"])
    assert vectors.shape == (3, 32)
    assert not np.allclose(vectors[0], vectors[1])


def test_more_tokens_than_the_encoder_reads_are_refused_before_training(folder: Path, empty_cache: Path) -> None:
    with pytest.raises(RecipeError, match=r"teacher\.max_tokens is 128, and the encoder reads 64"):
        teacher(folder, plain(40, 20), max_tokens=128)


def test_weights_that_are_not_the_pinned_ones_are_refused(folder: Path, empty_cache: Path) -> None:
    wrong = "0" * 64
    with pytest.raises(FetchError, match=rf"model\.safetensors has sha256 [0-9a-f]{{64}}, wanted {wrong}"):
        teacher(folder, plain(40, 20), sha256=wrong)
    right = sha256_of(folder / "model.safetensors")
    assert teacher(folder, plain(40, 20), sha256=right).weights_sha256 == right


def test_a_folder_without_weights_is_refused_with_what_belongs_there(tmp_path: Path, empty_cache: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FetchError, match=r"does not hold config\.json and model\.safetensors"):
        teacher(tmp_path / "empty", plain(40, 20))


def test_a_model_that_is_nowhere_is_refused_with_what_may_stand_there(tmp_path: Path, empty_cache: Path) -> None:
    with pytest.raises(RecipeError, match=r"no folder, and no name on the model hub.*all-MiniLM-L6-v2"):
        teacher(tmp_path / "nowhere", plain(40, 20))


@pytest.mark.parametrize("model", ["bert-base-uncased", "sentence-transformers/all-mpnet-base-v2"])
def test_a_model_of_the_hub_without_a_hash_is_refused_with_how_to_get_it(tmp_path: Path, model: str) -> None:
    with pytest.raises(RecipeError, match=rf"huggingface\.co/{model}/raw/main/model\.safetensors\n.*teacher\.sha256"):
        check_named(model, None, tmp_path)
    check_named(model, "0" * 64, tmp_path)


@pytest.mark.parametrize("torn", ["model.safetensors", "config.json"])
def test_torn_weights_are_a_clear_error(tmp_path: Path, empty_cache: Path, torn: str) -> None:
    broken = encoders.save(tmp_path / "broken")
    (broken / torn).write_bytes((broken / torn).read_bytes()[:100])
    with pytest.raises(FetchError, match="cannot be loaded as a transformers encoder"):
        teacher(broken, plain(40, 20))


def test_an_encoder_without_its_tokenizer_is_a_clear_error(tmp_path: Path, empty_cache: Path) -> None:
    mute = encoders.save(tmp_path / "mute")
    for path in mute.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(FetchError, match="holds no tokenizer"):
        teacher(mute, plain(40, 20))


def test_a_folder_named_relative_to_the_recipe_is_found(folder: Path, empty_cache: Path) -> None:
    found = fit.fit(config(Path(folder.name)), plain(40, 20), 1, 0, folder.parent)
    assert found.weights_sha256 == sha256_of(folder / "model.safetensors")


def test_a_tokenizer_of_more_words_than_the_encoder_knows_is_a_clear_error(tmp_path: Path, empty_cache: Path) -> None:
    small, large = encoders.save(tmp_path / "small"), encoders.save(tmp_path / "large", [*made.WORDS, "more", "words"])
    (small / "tokenizer.json").write_bytes((large / "tokenizer.json").read_bytes())
    with pytest.raises(FetchError, match=r"a tokenizer of 26 tokens and an encoder that knows 24"):
        teacher(small, plain(40))


def test_another_tokenizer_makes_another_teacher_of_the_same_weights(tmp_path: Path, empty_cache: Path) -> None:
    one, other = encoders.save(tmp_path / "one"), encoders.save(tmp_path / "other", made.WORDS[::-1])
    assert sha256_of(one / "model.safetensors") == sha256_of(other / "model.safetensors")
    assert teacher(one, plain(40)).id != teacher(other, plain(40)).id
    assert teacher(one, plain(40)).id == teacher(encoders.save(tmp_path / "again"), plain(40)).id


@pytest.mark.parametrize("torn", ["fitted.safetensors", "unfinished.pt"])
def test_torn_work_is_done_again(folder: Path, uninterrupted: dict[str, list], tmp_path: Path, torn: str) -> None:
    (tmp_path / torn).write_bytes(b"torn")
    tuned(folder, plain(), tmp_path)
    assert fitted(tmp_path) == uninterrupted
