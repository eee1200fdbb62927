"""The prices that distillation knows are those that the bill is made of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from distill.experiments import cost
from infra.cost import cost as billing
from infra.cost.cost import Architecture, Work

TEMPLATE = Path(__file__).parents[3] / "template.yaml"


@pytest.mark.parametrize("microseconds", [20.0, 130.0, 400.0, 2600.0])
def test_a_million_requests_cost_what_the_bill_says_without_gateway_and_cold_starts(microseconds: float) -> None:
    prices = billing.prices(cost.REGION)
    work = Work("student", microseconds / 1000 + billing.OVERHEAD_MS, 0, cost.MEMORY_MEGABYTES)
    bill = billing.bill(work, prices, 1e6, Architecture.ARM64, 0.0)
    assert cost.a_million(microseconds) == pytest.approx(bill.compute + bill.invocations)


def test_the_memory_is_the_templates() -> None:
    [size] = re.findall(r"  MemorySize:\n    Type: Number\n    Default: (\d+)", TEMPLATE.read_text())
    assert int(size) == cost.MEMORY_MEGABYTES
