"""How a contender is measured."""

from __future__ import annotations

import numpy as np
import pytest

from distill.evaluation import contenders
from distill.evaluation.statistics import Bootstrap


@pytest.mark.parametrize(("classes", "rows"), [(500, 2), (500, 20), (2, 1)])
@pytest.mark.parametrize("accuracy", [0.0, 0.9, 1.0])
def test_every_interval_of_a_contender_of_many_classes_holds_its_value(
    classes: int, rows: int, accuracy: float
) -> None:
    random = np.random.default_rng(0)
    gold = np.repeat(np.arange(classes), rows)
    answered = np.where(random.random(len(gold)) < accuracy, gold, (gold + 1) % classes)
    probabilities = np.eye(classes)[answered] * 0.5 + 0.5 / classes
    one = contenders.Contender("one", "student", "", probabilities)
    samples = Bootstrap(len(gold), 100, 0)
    found = contenders.measured(one, gold, samples)
    metrics = (found.accuracy, found.macro_f1, found.log_loss, *contenders.calibration(probabilities, gold, samples))
    assert [metric for metric in metrics if not metric.low <= metric.value <= metric.high] == []
