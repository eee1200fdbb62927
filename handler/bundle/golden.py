"""Golden inputs: made up, sealed with their answers, and answered alike by every later home of the graph.

The one definition of "alike" serves the function's own replay, the release, the optimised graph, comparisons of bundles
and the page: the same label, the same abstention, the same labels' probabilities and novelty within a tolerance, and so
the expected costs of a model that has costs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handler.bundle.contract import GOLDEN
from handler.errors import BundleError

TOLERANCE = 1e-4  # of a probability: another processor adds in another order, which moves it by some 1e-6
# Novelty is a share of steps between quantiles: where two of them lie close, a last bit moves it further.
NOVELTY_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Golden:
    """One made-up input, and the answer that was sealed with it."""

    line: int  # of the file, from 1 on
    input: Any
    answer: Mapping[str, Any]  # a `Prediction` as JSON


def read(folder: Path) -> tuple[Golden, ...]:
    """The golden inputs of a bundle with their answers, in the order of the file.

    Raises:
        BundleError: the file cannot be read, holds none, or one without a whole answer: a replay would tell nothing.
    """
    path = folder / GOLDEN
    try:
        found = tuple(one for one in lines(folder) if one is not None)
        whole = len(found) == len(lines(folder)) and all(not difference(one.answer, one.answer) for one in found)
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path} cannot be read ({type(error).__name__}). Seal the bundle again.") from None
    if not found or not whole:
        raise BundleError(f"{path} holds {'an input without its' if found else 'no'} answer. Seal the bundle again.")
    return found


def lines(folder: Path) -> list[Golden | None]:
    """The golden inputs of a bundle; None for a line that is none.

    Raises:
        OSError: there is no such file, or it cannot be read.
        UnicodeDecodeError: it is not UTF-8.
    """
    every = enumerate((folder / GOLDEN).read_text(encoding="utf-8").split("\n"), 1)
    return [_parsed(number, line) for number, line in every if line.strip()]


def _parsed(number: int, line: str) -> Golden | None:
    try:
        row = json.loads(line)
        return Golden(number, row["input"], row["prediction"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def difference(
    found: object, sealed: object, tolerance: float = TOLERANCE, novelty_tolerance: float = NOVELTY_TOLERANCE
) -> str:
    """What tells two answers apart, in words that name no input; "" where they are the same answer.

    Both are a `Prediction` as JSON; whatever else `found` may be is another answer. A number too large for the graph
    may be NaN in both.
    """
    try:
        return _difference(found, sealed, tolerance, novelty_tolerance)
    except (KeyError, TypeError, ValueError, AttributeError):
        return "not an answer of this model"


def _difference(found: Any, sealed: Any, tolerance: float, allowed: float) -> str:  # noqa: ANN401 - JSON
    if found["label"] != sealed["label"]:
        return f"answered {found['label']!r}, wanted {sealed['label']!r}"
    if found["scores"].keys() != sealed["scores"].keys():
        return "answered other labels than were sealed"
    worst = _apart([(found["scores"][label], score) for label, score in sealed["scores"].items()])
    if worst > tolerance:
        return f"a probability is off by {worst:.2g}, allowed is {tolerance:g}"
    apart = _apart([(found["novelty"], sealed["novelty"])])
    if apart > allowed:
        return f"novelty is off by {apart:.2g}, allowed is {allowed:g}"
    if found["abstained"] is not sealed["abstained"]:
        return "abstained otherwise"
    return _decided_otherwise(found.get("decision"), sealed.get("decision"), tolerance)


def _decided_otherwise(found: Any, sealed: Any, tolerance: float) -> str:  # noqa: ANN401 - JSON
    """What tells the expected costs of two answers apart; costs count in their own unit, so the gap is a share."""
    if found is None or sealed is None:
        return "" if found is sealed else "one of the answers weighs costs"
    if found["expected_costs"].keys() != sealed["expected_costs"].keys():
        return "weighed other decisions than were sealed"
    costs = sealed["expected_costs"]
    unit = max(1.0, *(abs(cost) for cost in costs.values() if math.isfinite(cost)))
    worst = _apart([(found["expected_costs"][label], cost) for label, cost in costs.items()]) / unit
    if worst > tolerance:
        return f"an expected cost is off by {worst:.2g} of the largest, allowed is {tolerance:g}"
    return "" if found["abstaining"] == sealed["abstaining"] else "abstaining has another price"


def _apart(pairs: list[tuple[float, float]]) -> float:
    """The largest difference; infinite where one is NaN and the other is not."""
    gaps = [0.0 if math.isnan(one) and math.isnan(other) else abs(one - other) for one, other in pairs]
    return max(math.inf if math.isnan(gap) else gap for gap in gaps)
