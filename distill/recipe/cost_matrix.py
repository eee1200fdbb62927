"""The recipe's costs as a matrix of the data's labels, and what a person should hear of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import linprog

from distill.errors import RecipeError, nearest
from distill.recipe.schema import Costs as Section
from distill.recipe.schema import Gates
from handler.bundle.costs import Costs

DEFAULT = 1.0
_SHOWN = 8


def of(section: Section, labels: Sequence[str]) -> Costs | None:
    """The cost of each decision for each truth; None where the recipe says nothing of costs.

    Raises:
        RecipeError: it prices a label that the data has not.
    """
    if not section.are_set:
        return None
    for label in section.missed:
        _check("costs.missed", label, labels)
    for truth, prices in section.of.items():
        _check("costs.of", truth, labels)
        for decision in prices:
            _check(f"costs.of.{truth}", decision, labels)
    default = DEFAULT if section.default is None else section.default

    def price(truth: str, decision: str) -> float:
        right = 0.0 if truth == decision else section.missed.get(truth, default)
        return section.of.get(truth, {}).get(decision, right)

    return Costs(tuple(tuple(price(truth, decision) for decision in labels) for truth in labels), section.abstain)


def check_gates(gates: Gates, labels: Sequence[str]) -> None:
    """Refuse gates about labels that the data has not.

    Raises:
        RecipeError: which.
    """
    for label in gates.max_missed:
        _check("gates.max_missed", label, labels)


def notes(costs: Costs, labels: Sequence[str]) -> Iterator[str]:
    """Sentences on prices that decide by themselves, whatever a row is."""
    matrix = np.array(costs.matrix)
    free = [label for label, prices in zip(labels, matrix.T, strict=True) if not prices.any()]
    if free and len(free) < len(labels):
        yield f"costs: deciding {free[0]!r} never costs anything, so no other decision costs less"
    if costs.abstain is None:
        return
    if costs.abstain == 0:
        yield "costs.abstain is 0, so every answer abstains that is not certain"
    elif costs.abstain >= (most := highest(costs)):
        yield (
            f"costs.abstain is {costs.abstain:g}, and the cheapest label is never expected to cost more than "
            f"{most:.3g}: no answer abstains by its costs"
        )


def highest(costs: Costs) -> float:
    """What the cheapest label is expected to cost at most, over all probabilities: the value of a matrix game."""
    matrix = np.array(costs.matrix)
    classes = len(matrix)
    # The largest v with probabilities p under which every decision costs v at least.
    found = linprog(
        c=np.append(np.zeros(classes), -1.0),
        A_ub=np.column_stack([-matrix.T, np.ones(classes)]),
        b_ub=np.zeros(classes),
        A_eq=np.append(np.ones(classes), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, 1)] * classes + [(0, None)],
    )
    return float(found.x[-1])


def _check(key: str, label: str, labels: Sequence[str]) -> None:
    if label in labels:
        return
    near = nearest(label, labels)
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    known = f"Did you mean {near!r}?" if near else f"Its labels are {', '.join(map(repr, labels[:_SHOWN]))}{more}."
    shown = repr(label if len(label) <= 60 else f"{label[:59]}…")
    raise RecipeError(f"{key} names {shown}, which is no label of the data. {known}")
