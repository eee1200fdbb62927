"""How a student is taught is chosen on validation rows, from few values, and without the teacher where it does harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from distill.modalities import register
from distill.pipeline import build_student, teaching
from distill.pipeline.build_student import Draft
from distill.pipeline.training_inputs import TrainingInputs
from distill.recipe.schema import Student as Config
from distill.training import train
from distill.training.soft_labels import SoftLabels
from tests.distill import made

SECTION = Config(kind="mlp", width=16, epochs=30, batch_size=16, learning_rate=0.01)


def inputs_of(is_right: bool, count: int = 200) -> TrainingInputs:
    """Rows whose teacher is right, or is sure of what a column says that has nothing to do with the label."""
    rows = made.tabular_dataset(count, 400)

    def said(part: str) -> SoftLabels:
        some = getattr(rows, part)
        says = some.labels if is_right else (some.columns["weight"] > 0).astype(int)
        logits = np.where(says[:, None] == np.arange(2), 4.0, -4.0)
        return SoftLabels(some, logits.astype(np.float32))

    teacher = made.teacher(made.SmallEncoder())
    modality = register.named("tabular")
    return TrainingInputs(modality, rows, teacher, (), said("train"), said("validation"), 0, 0)


def chosen(inputs: TrainingInputs, section: Config = SECTION) -> Draft:
    return teaching.chosen(inputs, build_student.draft(inputs, section))


def test_a_teacher_that_is_wrong_is_gone_without(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = inputs_of(False)
    found = chosen(inputs)
    assert found.alone
    assert "the teacher does not help" in capsys.readouterr().err
    taught, twin = build_student.teach(inputs, found), build_student.twin(inputs, found)
    held = inputs.rows.validation
    np.testing.assert_array_equal(train.logits(taught, held), train.logits(twin, held))


def test_a_teacher_that_is_right_is_kept(empty_cache: Path) -> None:
    found = chosen(inputs_of(True))
    assert not found.alone
    assert found.config.gold_weight in (0.3, 0.7) and found.config.temperature in (1.0, 2.0)


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[object, float]], list[object]]:
    """What each way to teach loses on four hundred validation rows; the ways that were tried are noted."""

    def set_to(means: Mapping[object, float]) -> list[object]:
        seen: list[object] = []
        noise = np.tile([-1.0, 1.0], 200)

        def tried(inputs: object, draft: Draft) -> teaching._Tried:
            way = "alone" if draft.alone else (draft.config.gold_weight, draft.config.temperature)
            seen.append(way)
            # Differences scatter by 1 from row to row, so that their mean has a standard error of 0.05.
            place = 0.0 if way == (0.3, 1.0) else 1.0
            return teaching._Tried(draft, means.get(way, 1.0) + place * noise)

        monkeypatch.setattr(teaching, "_tried", tried)
        return seen

    return set_to


Losses = Callable[[Mapping[object, float]], list[object]]


def test_few_values_are_tried(losses: Losses) -> None:
    seen = losses({})
    chosen(inputs_of(True))
    assert set(seen) == {(0.3, 1.0), (0.7, 1.0), (0.3, 2.0), "alone"}
    assert len(seen) == 4


def test_of_equals_and_of_what_may_be_chance_the_usual_stays(losses: Losses) -> None:
    for means in ({}, {(0.7, 1.0): 0.96, (0.3, 2.0): 0.96}, {"alone": 0.92}):
        losses(means)
        found = chosen(inputs_of(True))
        assert (found.config.gold_weight, found.config.temperature, found.alone) == (0.3, 1.0, False)


def test_what_is_better_beyond_chance_is_taken(losses: Losses) -> None:
    losses({(0.7, 1.0): 0.9})
    assert chosen(inputs_of(True)).config.gold_weight == 0.7
    losses({(0.3, 2.0): 0.9})
    assert chosen(inputs_of(True)).config.temperature == 2.0
    losses({"alone": 0.85})
    assert chosen(inputs_of(True)).alone


def test_where_the_teacher_is_worse_than_the_twin_a_taught_student_must_be_better_beyond_chance(losses: Losses) -> None:
    wrong = inputs_of(False)
    for taught in (0.3, 0.27):  # the teacher itself loses 0.69, as whoever knows nothing of two classes
        losses({"alone": 0.3, (0.3, 1.0): taught})
        assert chosen(wrong).alone
    losses({"alone": 0.3, (0.3, 1.0): 0.1})
    assert not chosen(wrong).alone


def test_what_the_recipe_names_is_not_tried_again(losses: Losses) -> None:
    named = SECTION.model_copy(update={"gold_weight": 0.5, "temperature": 3.0})
    seen = losses({})
    found = chosen(inputs_of(True), named)
    assert (found.config.gold_weight, found.config.temperature) == (0.5, 3.0)
    assert seen == [(0.5, 3.0), "alone"]


def test_where_a_student_reads_much_only_the_usual_and_the_twin_are_tried(
    losses: Losses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "_WORTH_TRYING", 10)
    seen = losses({})
    chosen(inputs_of(True))
    assert seen == [(0.3, 1.0), "alone"]


def test_gold_labels_with_all_the_weight_are_all_that_is_learned_from(empty_cache: Path) -> None:
    # As the report advises, and as a sealed recipe whose teacher did not help says of itself.
    inputs = inputs_of(False, 80)
    section = Config(kind="mlp", width=16)
    alone = build_student.without_teacher(inputs, build_student.draft(inputs, section))
    again = build_student.draft(inputs, alone.config)
    assert again.alone and again.config == alone.config
    held = inputs.rows.validation
    drafts = (alone, again, chosen(inputs, alone.config))
    answers = [train.logits(build_student.teach(inputs, one), held) for one in drafts]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])
    assert (answers[0].argmax(axis=1) == held.labels).mean() > 0.6  # the teacher is right by chance
