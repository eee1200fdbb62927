"""The loss of fine-tuning, pinned to numbers worked out by hand; how it goes is tested with the encoder."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from distill.teachers.finetune import cross_entropy_with_votes

SURE = [math.log(3), 0.0]  # softmax gives (3/4, 1/4)


def votes(weight: float, given: Tensor | None = None) -> float:
    given = torch.tensor([[0.25, 0.75]]) if given is None else given
    return float(cross_entropy_with_votes(torch.tensor([SURE]), torch.tensor([0]), given, weight))


def test_votes_take_their_share_of_the_loss() -> None:
    gold, voted = -math.log(0.75), -0.25 * math.log(0.75) - 0.75 * math.log(0.25)
    assert votes(0.0) == pytest.approx(gold, abs=1e-6)
    assert votes(1.0) == pytest.approx(voted, abs=1e-6)
    assert votes(0.4) == pytest.approx(0.6 * gold + 0.4 * voted, abs=1e-6)


def test_without_votes_gold_is_all() -> None:
    assert float(cross_entropy_with_votes(torch.tensor([SURE]), torch.tensor([0]), None, 0.5)) == pytest.approx(
        -math.log(0.75), abs=1e-6
    )
