"""When an answer abstains. The page has the same in `distill/web/page/decisions.js`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Thresholds:
    """Decisions on top of the probabilities, as the recipe has them."""

    abstain_below: float  # a highest probability under this abstains; 0 never does

    def abstains(self, score: Any) -> Any:  # noqa: ANN401 - a number, or an array of them
        """Whether an answer whose highest probability is `score` abstains."""
        return score < self.abstain_below
