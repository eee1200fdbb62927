"""A stack's weights: the most likely ones, of answers to rows that no member was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from distill.data.keys import fold_of
from distill.data.rows import Rows
from distill.errors import RecipeError
from distill.recipe.schema import Teacher as Config
from distill.teachers import extra_trees, fit, linear, stack
from distill.teachers.teacher import Teacher
from tests.distill import made

CLASSES, FOLDS = 3, 4


@dataclass
class Answers:
    """A model whose logits are in a table, by the number that a row holds."""

    table: np.ndarray
    asked: list[int] = field(default_factory=list)

    def logits(self, rows: Rows) -> np.ndarray:
        places = rows.columns["place"].astype(int)
        self.asked += places.tolist()
        return self.table[places].astype(np.float32)

    def call_one(self, rows: Rows, place: int) -> None:
        self.logits(rows.take(np.array([place])))


def member(name: str, held: np.ndarray, full: np.ndarray | None = None) -> Teacher:
    """One whose fold models say `held`, and whose model of all rows says `full`."""
    folds = [Answers(held) for _ in range(FOLDS)]
    return made.teacher(Answers(held if full is None else full), folds, id=name * 32)


@dataclass(frozen=True)
class World:
    """Rows whose class has the chances `truth`, and two members that each see a part of what decides it."""

    train: Rows
    one: np.ndarray
    other: np.ndarray
    noise: np.ndarray


@pytest.fixture
def world(empty_cache: Path) -> World:
    random, count = np.random.default_rng(0), 3000
    parts = random.normal(size=(2, count, CLASSES)) * 1.5
    chances = softmax(parts.sum(axis=0), axis=1)
    labels = [int(random.choice(CLASSES, p=row)) for row in chances]
    train = made.table_rows({"place": np.arange(count)}, labels)
    noise = random.normal(size=(count, CLASSES)) * 3
    return World(train, parts[0] * 2, parts[1] * 0.5, noise)  # the first is too sure, the second not sure enough


def loss(answers: Sequence[np.ndarray], weights: Sequence[float], labels: np.ndarray) -> float:
    """Written out: minus the mean log of the pool's chance of each label."""
    pool = np.prod([softmax(answer, axis=1) ** weight for answer, weight in zip(answers, weights, strict=True)], axis=0)
    pool /= pool.sum(axis=1, keepdims=True)
    return float(-np.log(pool[np.arange(len(labels)), labels]).mean())


def test_weights_are_those_under_which_the_labels_are_most_likely(world: World) -> None:
    found = stack.weigh([member("a", world.one), member("b", world.other)], world.train)
    grid = np.arange(0.2, 2.61, 0.05)
    best = min(product(grid, grid), key=lambda pair: loss([world.one, world.other], pair, world.train.labels))
    assert found.weights == pytest.approx(best, abs=0.05)
    assert loss([world.one, world.other], found.weights, world.train.labels) <= loss(
        [world.one, world.other], best, world.train.labels
    )
    assert found.weights == pytest.approx((0.5, 2.0), abs=0.2)  # as they were made: both are calibrated as well


def test_a_member_that_adds_nothing_is_left_out(world: World) -> None:
    echo = world.one * 1.3 + 0.01 * world.noise  # what the first says, in other numbers
    crew = [member("a", world.one), member("e", echo), member("b", world.other)]
    found = stack.weigh(crew, world.train)
    assert len(found.members) == len(found.weights) == 2
    assert crew[2] in found.members
    whole = stack.weigh([crew[0], crew[2]], world.train)
    answers = {crew[0].id: world.one, crew[1].id: echo, crew[2].id: world.other}
    losses = [
        loss([answers[it.id] for it in some.members], some.weights, world.train.labels) for some in (found, whole)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=5e-4)


def test_a_bad_member_does_no_harm(world: World) -> None:
    good = [member("a", world.one), member("b", world.other)]
    for name, bad in (("n", world.noise), ("w", -world.one)):
        found = stack.weigh([*good, member(name, bad)], world.train)
        assert [it.id for it in found.members] == [it.id for it in good]
        assert found.weights == stack.weigh(good, world.train).weights


def test_of_bad_members_alone_one_is_left_and_says_little(world: World) -> None:
    found = stack.weigh([member("n", world.noise), member("m", world.noise[::-1])], world.train)
    assert len(found.members) == 1
    assert found.weights[0] < 0.05


def test_a_member_that_knows_its_training_rows_by_heart_gets_no_credit_for_it(world: World) -> None:
    by_heart = np.eye(CLASSES)[world.train.labels] * 10
    memory = member("m", held=world.noise, full=by_heart)
    found = stack.weigh([member("a", world.one), memory], world.train)
    assert [it.id for it in found.members] == ["a" * 32]
    assert memory.full.asked == []  # type: ignore[attr-defined]


def test_members_without_models_of_folds_cannot_be_weighed(world: World) -> None:
    alone = made.teacher(Answers(world.one))
    with pytest.raises(RecipeError, match=r"weighs its members on held-out rows\. Set transfer\.folds to 2 or more"):
        stack.weigh([alone, member("b", world.other)], world.train)


def test_a_pool_is_the_weighted_geometric_mean_whatever_constant_is_added_to_logits(world: World) -> None:
    shifted = world.one + np.arange(len(world.one))[:, None]
    pool = stack.pooled([shifted.astype(np.float32), world.other.astype(np.float32)], [0.7, 0.4])
    np.testing.assert_allclose(np.exp(pool).sum(axis=1), 1, atol=1e-5)
    expected = log_softmax(0.7 * log_softmax(world.one, axis=1) + 0.4 * log_softmax(world.other, axis=1), axis=1)
    np.testing.assert_allclose(pool, expected, atol=2e-3)


def test_a_model_of_a_fold_asks_the_members_models_of_that_fold_alone(world: World) -> None:
    crew = (member("a", world.one), member("b", world.other))
    stack.StackModel(crew, (1.0, 1.0), fold=2).logits(world.train)
    for one in crew:
        assert [bool(model.asked) for model in one.folds] == [False, False, True, False]  # type: ignore[attr-defined]
        assert one.full.asked == []  # type: ignore[attr-defined]
    stack.StackModel(crew, (1.0, 1.0)).call_one(world.train, 5)
    assert [one.full.asked for one in crew] == [[5], [5]]  # type: ignore[attr-defined]


MEMBERS = ("extra_trees", "linear")
STACK = Config(kind="stack", members=MEMBERS)


def test_the_models_of_a_fold_never_saw_its_rows(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra_trees, "_SETTINGS", extra_trees._SETTINGS[:1])  # a setting is chosen by all rows
    monkeypatch.setattr(linear, "STRENGTHS", (1.0,))
    train, held, test = (made.measurements(count, seed) for seed, count in enumerate((120, 60, 40)))
    places = fold_of(train, FOLDS)
    flipped = replace(train, labels=np.where(places == 1, 1 - train.labels, train.labels))
    datasets = [
        replace(made.dataset_of("tabular", made.inputs_of(train), [rows, held, test]), fingerprint=name)
        for name, rows in (("one", train), ("other", flipped))
    ]
    for kind in MEMBERS:
        one, other = (fit.fit(Config(kind=kind), dataset, FOLDS, 0, Path()) for dataset in datasets)
        same = [np.array_equal(one.folds[i].logits(train), other.folds[i].logits(train)) for i in range(FOLDS)]
        assert same == [False, True, False, False]


def test_a_fitted_stack_says_what_it_is_made_of(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = made.tabular_dataset(200, 60)
    teacher = fit.fit(STACK, dataset, FOLDS, 0, Path())
    said = capsys.readouterr().err
    assert "the stack of them: log loss on validation rows" in said
    for words in ("extremely randomised trees", "logistic regression on scaled"):
        assert f"{words}" in said
    assert said.count("weight ") + said.count("adds nothing, and is left out") == len(MEMBERS)
    assert teacher.description.startswith("a stack: ")
    assert len(teacher.folds) == FOLDS
    assert teacher.kilobytes == pytest.approx(sum(one.kilobytes or 0 for one in teacher.members))
    held = teacher.logits(dataset.test)
    assert (held.argmax(axis=1) == dataset.test.labels).mean() > 0.75
    np.testing.assert_allclose(np.exp(held).sum(axis=1), 1, atol=1e-5)


def test_out_of_fold_answers_of_a_stack_are_those_of_its_models_without_the_fold(empty_cache: Path) -> None:
    dataset = made.tabular_dataset(120, 40)
    teacher = fit.fit(STACK, dataset, FOLDS, 0, Path())
    places = fold_of(dataset.train, FOLDS)
    answers = teacher.out_of_fold_logits(dataset.train)
    weights = teacher.full.weights  # type: ignore[attr-defined]
    for fold in range(FOLDS):
        rows = dataset.train.take(places == fold)
        parts = [one.folds[fold].logits(rows) for one in teacher.members]
        np.testing.assert_allclose(answers[places == fold], stack.pooled(parts, weights), atol=1e-5)


def test_beside_an_encoder_that_is_tuned_stands_the_frozen_one() -> None:
    config = Config(kind="stack", members=("encoder", "tfidf"), mode="finetune", train_layers=2, runs=3)
    tuned, words, frozen = fit._members(config)
    assert (tuned.kind, tuned.mode, tuned.train_layers, tuned.runs) == ("encoder", "finetune", 2, 3)
    assert words.kind == "tfidf"
    assert (frozen.kind, frozen.mode, frozen.train_layers, frozen.runs) == ("encoder", "frozen", None, 1)
    assert [one.kind for one in fit._members(config.model_copy(update={"mode": "frozen"}))] == ["encoder", "tfidf"]
