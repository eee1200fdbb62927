"""The decision of least expected cost (Elkan, 2001, "The foundations of cost-sensitive learning").

Of decisions that cost the same, the most probable label is taken, and a label before abstaining. So a matrix of zeros
and ones decides as the highest probability does. The page has the same in `distill/web/page/decisions.js`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from handler.bundle.costs import Costs

Floats = np.typing.NDArray[np.floating]


@dataclass(frozen=True)
class Decision:
    """Why an answer of a model with costs is what it is."""

    expected_cost: float  # of what was decided: the least of all
    expected_costs: dict[str, float]  # of deciding each label
    abstaining: float | None  # what it costs; None: it has no price, and is no decision
    most_probable: str
    why: str  # for people

    @property
    def abstains(self) -> bool:
        """Whether abstaining costs less than any label, in the single precision that the graph answers in."""
        return self.abstaining is not None and float(np.float32(self.abstaining)) < min(self.expected_costs.values())


def prices(costs: Costs) -> np.typing.NDArray[np.float64]:
    """The cost of each decision for each truth, [K,K]; where abstaining has a price [K,K+1], abstaining last."""
    matrix = np.array(costs.matrix, dtype=np.float64)
    if costs.abstain is None:
        return matrix
    return np.concatenate([matrix, np.full((len(matrix), 1), costs.abstain)], axis=1)


def expected_costs(probabilities: Floats, costs: Costs) -> np.typing.NDArray[np.float32]:
    """Expected costs of rows [N,K] as the graph has them, [N,K] or [N,K+1].

    Sums in double precision: their rounding is too small to turn the order of two probabilities of single precision.
    """
    wide = probabilities.astype(np.float64)
    found: np.typing.NDArray[np.float32] = (wide / wide.sum(axis=1, keepdims=True) @ prices(costs)).astype(np.float32)
    return found


def labels(probabilities: Floats, expected: Floats) -> np.typing.NDArray[np.int64]:
    """The label of least expected cost of each row [N], also where abstaining costs less."""
    of_labels = expected[:, : probabilities.shape[1]]
    cheapest = of_labels == of_labels.min(axis=1, keepdims=True)
    return np.asarray(np.where(cheapest, probabilities, -np.inf).argmax(axis=1))


def abstained(probabilities: Floats, expected: Floats) -> np.typing.NDArray[np.bool_]:
    """Where abstaining costs less than any label, [N]."""
    classes = probabilities.shape[1]
    if expected.shape[1] == classes:
        return np.zeros(len(expected), dtype=np.bool_)
    return np.asarray(expected[:, classes] < expected[:, :classes].min(axis=1))


def of(row: Floats, expected: Floats, names: tuple[str, ...], costs: Costs) -> tuple[int, Decision]:
    """The place of the label that is decided for one row's probabilities [K] and expected costs, and why."""
    decided = int(labels(row[None], expected[None])[0])
    by_label = expected[: len(names)].tolist()
    made = Decision(
        expected_cost=by_label[decided],
        expected_costs=dict(zip(names, by_label, strict=True)),
        abstaining=costs.abstain,
        most_probable=names[int(row.argmax())],
        why="",
    )
    least = costs.abstain if costs.abstain is not None and made.abstains else made.expected_cost
    return decided, replace(made, expected_cost=least, why=_why(row, decided, made, names, costs))


def _why(row: Floats, decided: int, made: Decision, names: tuple[str, ...], costs: Costs) -> str:
    """What was most probable, and which mistake speaks against deciding it."""
    likeliest = int(row.argmax())
    believed = f"'{names[likeliest]}' at {_share(float(row[likeliest]))}"
    risks = [float(p) * of_truth[likeliest] for p, of_truth in zip(row, costs.matrix, strict=True)]
    risks[likeliest] = -1.0
    worst = max(range(len(risks)), key=risks.__getitem__)
    mistake = f"missing '{names[worst]}' costs {_cost(costs.matrix[worst][likeliest])}"
    deciding = _cost(made.expected_cost)
    if costs.abstain is not None and made.abstains:
        return f"{believed}, but {mistake}: abstaining costs {_cost(costs.abstain)}, deciding {deciding}"
    if decided == likeliest:
        return f"{believed}, and deciding it costs least, {deciding}"
    return f"{believed}, but {mistake}: '{names[decided]}' costs least, {deciding}"


def _share(value: float) -> str:
    """A probability; what is not quite 1 never reads as 1."""
    return "over 0.99" if 0.995 <= value < 1 else f"{value:.2f}" if value >= 0.005 else "under 0.01"


def _cost(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
