from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.data.rows import Dataset, Rows
from distill.errors import RecipeError
from distill.modalities.prelude import Prelude
from distill.modalities.register import MODALITIES
from distill.recipe.schema import Student as Config
from distill.training import train
from distill.training.losses import distillation
from distill.training.soft_labels import SoftLabels
from distill.training.train import Student
from tests.distill import made

SMALL = {"vocabulary": 100, "buckets": 8, "max_tokens": 32, "embedding": 16, "epochs": 6, "learning_rate": 0.02}


def soft_of(dataset: Dataset) -> SoftLabels:
    """A teacher that is right, and fairly sure of it."""
    return sure_of(dataset.train, len(dataset.labels))


def sure_of(rows: Rows, classes: int) -> SoftLabels:
    logits = np.where(rows.labels[:, None] == np.arange(classes), 2.0, -2.0)
    return SoftLabels(rows, logits.astype(np.float32))


def distilled(dataset: Dataset, kind: str, seed: int = 0, **settings: object) -> Student:
    config = Config(kind=kind, **({**SMALL, "batch_size": 16} | settings))
    return taught(config, dataset, soft_of(dataset), seed)


def taught(
    config: Config, dataset: Dataset, soft: SoftLabels, seed: int = 0, held: SoftLabels | None = None
) -> Student:
    modality, prelude = MODALITIES[dataset.task], prelude_of(config, dataset)
    held = held or sure_of(dataset.validation, len(dataset.labels))
    return train.distill(config, modality, prelude, soft, held, len(dataset.labels), seed, None)


def prelude_of(config: Config, dataset: Dataset) -> Prelude:
    return MODALITIES[dataset.task].fit_prelude(config, dataset, None, (), None)


def states(student: Student) -> dict[str, list]:
    return {name: value.tolist() for name, value in student.network.state_dict().items()}


@pytest.mark.parametrize("kind", ["bag", "static", "conv", "mlp", "embedded"])
def test_a_student_learns_what_its_teacher_knows(empty_cache: Path, kind: str) -> None:
    dataset = made.tabular_dataset(300) if kind in ("mlp", "embedded") else made.text_dataset(300)
    student = distilled(dataset, kind, **({"buckets": 1024} if kind == "bag" else {}))
    answers = train.logits(student, dataset.test).argmax(axis=1)
    majority = max(np.bincount(dataset.test.labels)) / len(dataset.test)
    assert (answers == dataset.test.labels).mean() > majority + 0.1
    held, logits = sure_of(dataset.validation, 2), torch.from_numpy(train.logits(student, dataset.validation))
    gold = torch.from_numpy(held.rows.labels)
    loss = distillation(logits, torch.from_numpy(held.logits), gold, 1.0, train.GOLD_WEIGHT)
    assert student.validation_loss == pytest.approx(float(loss), rel=1e-5)
    assert 1 <= student.best_epoch <= 6
    assert student.parameters > 0


def test_a_student_learns_with_products_in_bfloat16(empty_cache: Path) -> None:
    dataset = made.text_dataset(300)
    student = distilled(dataset, "conv", precision="bfloat16")
    answers = train.logits(student, dataset.test).argmax(axis=1)
    assert (answers == dataset.test.labels).mean() > max(np.bincount(dataset.test.labels)) / len(dataset.test) + 0.1
    assert all(value.dtype == torch.float32 for value in student.network.parameters())


def test_the_same_seed_gives_the_same_weights_with_an_empty_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = made.text_dataset()
    found = []
    for place, threads in (("one", 1), ("other", 2)):
        monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / place))
        torch.manual_seed(len(found))
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        found.append(states(distilled(dataset, "conv", epochs=2)))
        assert torch.get_num_threads() == threads
        torch.set_num_threads(before)
    assert found[0] == found[1]
    assert states(distilled(dataset, "conv", seed=1, epochs=2)) != found[0]


def test_a_second_run_trains_nothing(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = made.text_dataset()
    first = distilled(dataset, "static", epochs=1)
    monkeypatch.setattr(train, "_train", lambda *_: pytest.fail("trained again"))
    assert states(distilled(dataset, "static", epochs=1)) == states(first)


def test_other_soft_labels_train_another_student(empty_cache: Path) -> None:
    dataset = made.text_dataset()
    config = Config(kind="static", **SMALL)
    soft = soft_of(dataset)
    one, other = (taught(config, dataset, labels) for labels in (soft, replace(soft, logits=-soft.logits)))
    assert states(one) != states(other)


@pytest.mark.parametrize("steps", [*range(1, 13), 20])
def test_any_number_of_steps_can_be_scheduled(empty_cache: Path, steps: int) -> None:
    dataset = made.tabular_dataset(40, 10)
    assert distilled(dataset, "mlp", epochs=steps, patience=steps, batch_size=1000).best_epoch >= 1


class Unplugged(Exception):
    """The machine goes off."""


@pytest.mark.parametrize("step", [3, 8, 13, 16, 21])
def test_a_student_cut_off_and_taken_up_again_comes_out_the_same(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    dataset = made.text_dataset(128, 40)  # eight steps an epoch
    whole = states(distilled(dataset, "conv", epochs=3))
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(train, "_SECONDS_BETWEEN_SAVES", 0.0)
    steps: list[None] = []

    def loss(*arguments: object) -> torch.Tensor:
        steps.append(None)
        if len(steps) > step:
            raise Unplugged
        return distillation(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(train, "distillation", loss)
    with pytest.raises(Unplugged):
        distilled(dataset, "conv", epochs=3)
    monkeypatch.setattr(train, "distillation", distillation)
    assert states(distilled(dataset, "conv", epochs=3)) == whole
    assert not list((tmp_path / "other").rglob("*.unfinished"))


def test_training_stops_when_patience_runs_out(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []
    monkeypatch.setattr(train, "_judge", lambda *_: (judged.append(None), 1.0 + len(judged))[1])
    assert distilled(made.tabular_dataset(40, 10), "mlp", epochs=50, patience=3).best_epoch == 1
    assert len(judged) == 4


def test_the_epoch_with_the_least_loss_on_validation_rows_is_kept(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.9, 0.8, 0.7, 0.7])
    seen: list[dict] = []

    def judge(network: torch.nn.Module, *_: object) -> float:
        seen.append({name: value.tolist() for name, value in network.state_dict().items()})
        return next(losses)

    monkeypatch.setattr(train, "_judge", judge)
    student = distilled(made.tabular_dataset(40, 10), "mlp", epochs=4)
    assert student.best_epoch == 3
    assert states(student) == seen[2]


def test_what_is_kept_is_the_running_mean_of_weights_and_not_those_of_the_last_step(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[dict[str, torch.Tensor]] = []
    step = torch.optim.AdamW.step
    networks: list[torch.nn.Module] = []
    fresh = train.fresh

    def made_fresh(*arguments: object) -> torch.nn.Module:
        networks.append(fresh(*arguments))  # type: ignore[arg-type]
        return networks[-1]

    def kept_step(optimizer: torch.optim.AdamW, *arguments: object) -> object:
        done = step(optimizer, *arguments)  # type: ignore[arg-type]
        steps.append({name: value.detach().clone() for name, value in networks[-1].named_parameters()})
        return done

    monkeypatch.setattr(train, "fresh", made_fresh)
    monkeypatch.setattr(torch.optim.AdamW, "step", kept_step)
    monkeypatch.setattr(train, "_judge", lambda *_: 1.0 - len(steps) / 1000)  # the last epoch is the best
    student = distilled(made.tabular_dataset(160, 20), "mlp", epochs=3)  # ten steps an epoch
    assert len(steps) == 30 and student.best_epoch == 3
    decay = 5 / 6  # it remembers half an epoch
    mean = steps[0]
    for one in steps[1:]:
        mean = {name: decay * value + (1 - decay) * one[name] for name, value in mean.items()}
    for name, value in student.network.named_parameters():
        torch.testing.assert_close(value.detach(), mean[name], atol=1e-6, rtol=1e-5)
        assert not torch.allclose(value.detach(), steps[-1][name], atol=1e-6)


def test_the_choice_of_the_epoch_is_by_what_the_teacher_says_of_validation_rows(empty_cache: Path) -> None:
    dataset = made.tabular_dataset(100, 60)
    gold = sure_of(dataset.validation, 2)
    config = Config(kind="mlp", **(SMALL | {"batch_size": 16}))
    right, wrong = (
        taught(config, dataset, soft_of(dataset), held=replace(gold, logits=sign * gold.logits)) for sign in (1, -1)
    )
    assert right.best_epoch > wrong.best_epoch == 1  # the longer it learns, the farther from a teacher that is wrong
    assert right.validation_loss < wrong.validation_loss


def test_a_student_that_diverges_is_an_error_that_says_what_to_lower(empty_cache: Path) -> None:
    with pytest.raises(RecipeError, match=r"diverged.*student\.learning_rate, now 1e\+30"):
        distilled(made.tabular_dataset(40, 10), "mlp", learning_rate=1e30, epochs=3)
    assert not list(empty_cache.rglob("*.pt"))


def test_a_torn_student_in_the_cache_is_trained_again(empty_cache: Path) -> None:
    dataset = made.tabular_dataset(40, 10)
    first = states(distilled(dataset, "mlp", epochs=1))
    [path] = empty_cache.rglob("*.pt")
    path.write_bytes(path.read_bytes()[:50])
    assert states(distilled(dataset, "mlp", epochs=1)) == first
