"""Losses pinned to numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from distill.training.losses import distillation

NAN = float("nan")
LN2, LN3 = math.log(2), math.log(3)
# softmax gives (1/2, 1/2) and (3/4, 1/4); KL((3/4, 1/4) || (1/2, 1/2)) = 3/4 ln 3 - ln 2
EVEN, SURE = [0.0, 0.0], [LN3, 0.0]
DIVERGENCE = 0.75 * LN3 - LN2


def loss(student: list, teacher: list, labels: list[int], temperature: float = 1.0, gold_weight: float = 0.0) -> float:
    return float(
        distillation(torch.tensor(student), torch.tensor(teacher), torch.tensor(labels), temperature, gold_weight)
    )


def test_the_teacher_alone_teaches_by_divergence() -> None:
    assert loss([EVEN], [SURE], [0]) == pytest.approx(DIVERGENCE, abs=1e-6)


def test_a_student_like_its_teacher_has_nothing_to_lose() -> None:
    assert loss([SURE], [[LN3 + 5, 5.0]], [1]) == pytest.approx(0, abs=1e-6)


def test_temperature_softens_both_and_its_square_restores_the_size() -> None:
    # At 2, logits of twice the size give the same distributions as above, times 2 squared.
    assert loss([EVEN], [[2 * LN3, 0.0]], [0], temperature=2.0) == pytest.approx(4 * DIVERGENCE, abs=1e-6)


def test_gold_takes_its_share_at_temperature_one() -> None:
    expected = 0.7 * 4 * DIVERGENCE + 0.3 * LN2
    assert loss([EVEN], [[2 * LN3, 0.0]], [1], temperature=2.0, gold_weight=0.3) == pytest.approx(expected, abs=1e-6)


def test_gold_is_the_plain_cross_entropy() -> None:
    assert loss([SURE], [EVEN], [1], temperature=3.0, gold_weight=1.0) == pytest.approx(2 * LN2, abs=1e-6)


def test_a_row_without_a_label_is_taught_by_the_teacher_alone() -> None:
    assert loss([EVEN], [SURE], [-1], gold_weight=0.3) == pytest.approx(DIVERGENCE, abs=1e-6)


@pytest.mark.parametrize("silent", [[NAN, NAN], [NAN, 0.0]])
def test_a_row_on_which_the_teacher_is_silent_is_taught_by_its_label_alone(silent: list[float]) -> None:
    assert loss([EVEN], [silent], [1], temperature=2.0, gold_weight=0.3) == pytest.approx(LN2, abs=1e-6)


def test_a_row_without_teacher_and_label_teaches_nothing() -> None:
    assert loss([EVEN], [[NAN, NAN]], [-1], gold_weight=0.3) == 0


def test_rows_are_averaged_each_by_what_teaches_it() -> None:
    student, teacher = [EVEN, EVEN, EVEN], [SURE, [NAN, NAN], SURE]
    assert loss(student, teacher, [-1, 0, 0], gold_weight=0.5) == pytest.approx(
        (DIVERGENCE + LN2 + 0.5 * DIVERGENCE + 0.5 * LN2) / 3, abs=1e-6
    )


def test_silent_teachers_leave_finite_gradients() -> None:
    student = torch.zeros((2, 2), requires_grad=True)
    distillation(student, torch.tensor([[NAN, NAN], SURE]), torch.tensor([-1, 1]), 2.0, 0.3).backward()
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()
    assert (student.grad[0] == 0).all()
    assert (student.grad[1] != 0).all()
