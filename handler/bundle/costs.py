"""What mistakes cost, as a manifest holds it. Standard library only, as the manifest's reader is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """The price of each decision for each truth, in whatever unit the recipe counts."""

    matrix: tuple[tuple[float, ...], ...]  # [K truths][K decisions], in the order of the labels
    abstain: float | None = None  # the price of leaving a row to a person; None: abstaining is no decision

    def contradictions(self, labels: int) -> Iterator[str]:
        """What is wrong with them for so many labels, in words."""
        if len(self.matrix) != labels or any(len(row) != labels for row in self.matrix):
            yield f"serving.costs.matrix wants {labels} rows of {labels} costs, one for each label"
        every = [cost for row in self.matrix for cost in row] + ([] if self.abstain is None else [self.abstain])
        if not all(math.isfinite(cost) and cost >= 0 for cost in every):
            yield "serving.costs wants finite costs of 0 or more"
