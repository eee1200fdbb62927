"""Whether two homes of one graph agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from handler.bundle import golden
from handler.model.predictor import Prediction


def assert_same(found: Sequence[Prediction], wanted: Sequence[Prediction]) -> None:
    """The same answers, as the contract has it."""
    for place, (one, other) in enumerate(zip(found, wanted, strict=True)):
        assert golden.difference(asdict(one), asdict(other)) == "", f"input {place}"
