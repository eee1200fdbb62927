"""Whether two homes of one graph agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import pytest

from handler.model.predictor import Prediction

TOLERANCE = 1e-4


def assert_same(found: Sequence[Prediction], wanted: Sequence[Prediction]) -> None:
    """The same labels, and every number within the tolerance."""
    assert [it.label for it in found] == [it.label for it in wanted]
    for place, (one, other) in enumerate(zip(found, wanted, strict=True)):
        assert one.scores == pytest.approx(other.scores, abs=TOLERANCE), f"input {place}"
        assert astuple(one)[1::3] == pytest.approx(astuple(other)[1::3], abs=TOLERANCE), f"input {place}"
        assert one.abstained == other.abstained, f"input {place}"
