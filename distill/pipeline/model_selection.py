"""Which student a recipe means: the one it names, or for "auto" the smallest that passes the gates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from distill.errors import GateError
from distill.evaluation import gates
from distill.evaluation.evidence import GateResult
from distill.pipeline import assess, build_student, candidates, teaching
from distill.pipeline.training_inputs import TrainingInputs
from distill.progress import say
from distill.recipe.schema import AUTO, BEST, Recipe


@dataclass(frozen=True)
class Tried:
    """A candidate, and what the gates found of its student on validation rows."""

    name: str
    results: tuple[GateResult, ...]

    @property
    def shortfall(self) -> float:
        """How far the student is beyond its limits: each as a share of the limit, summed; 0 where it passes."""
        return sum(
            math.inf if result.value is None else abs(result.value - result.limit) / max(abs(result.limit), 1e-9)
            for result in assess.lacking(self.results)
        )


class Selection:
    """The students that a recipe means, one after the other, until one is taken."""

    def __init__(self, inputs: TrainingInputs, recipe: Recipe) -> None:
        """The student that the recipe names; for "auto", the candidates by their size."""
        self.drafts = by_size(inputs, recipe) if recipe.student.kind == AUTO else (_named(inputs, recipe),)
        self._inputs, self._recipe = inputs, recipe
        self.tried: list[Tried] = []

    def takes(self, trained: build_student.TrainedStudent) -> bool:
        """Whether this is the student: the one that is named, or one that passes the gates on validation rows."""
        if self._recipe.student.kind != AUTO:
            return True
        results = assess.on_validation(
            self._inputs, trained, self._references, self._recipe.serving, self._recipe.gates
        )
        self.tried.append(Tried(trained.draft.name, results))
        lacks = assess.lacking(results)
        say(f"  {trained.draft.name}: " + ("; ".join(map(gates.worded, lacks)) or "passes on validation rows"))
        return not lacks

    @cached_property
    def _references(self) -> assess.References:
        """Teacher and baseline on validation rows: once for all candidates."""
        return assess.references(self._inputs, self._inputs.rows.validation)


def selected(inputs: TrainingInputs, recipe: Recipe, or_nearest: bool = False) -> build_student.TrainedStudent:
    """The student that a recipe means, taught, as one calibrated graph.

    `or_nearest`: of "auto", where no candidate passes the gates, the nearest.

    Raises:
        GateError: of "auto", no candidate passes the gates.
    """
    selection, made = Selection(inputs, recipe), []
    for untaught in selection.drafts:  # one, or for "auto" the candidates from the smallest on
        draft = teaching.chosen(inputs, untaught)
        trained = build_student.finish(inputs, draft, build_student.teach(inputs, draft))
        made.append(trained)
        if selection.takes(trained):
            return trained
    if or_nearest:
        shortfalls = [one.shortfall for one in selection.tried]
        return made[shortfalls.index(min(shortfalls))]
    raise nothing_passes(selection.tried)


def _named(inputs: TrainingInputs, recipe: Recipe) -> build_student.Draft:
    """The student of the recipe's kind; for "best", of the usual kind that does best on validation rows."""
    if recipe.student.kind != BEST:
        return build_student.draft(inputs, recipe.student)
    sections = [recipe.student.model_copy(update={"kind": kind}) for kind in inputs.modality.usual]
    return teaching.best(inputs, [build_student.draft(inputs, one, f"student {one.kind}") for one in sections])


def by_size(inputs: TrainingInputs, recipe: Recipe) -> tuple[build_student.Draft, ...]:
    """The candidates by the bytes that their students will take: what is learnt does not change them."""
    drafts = [build_student.draft(inputs, it.student, it.name) for it in candidates.of(recipe)]
    return tuple(sorted(drafts, key=lambda one: build_student.stored_bytes(inputs, one)))


def nothing_passes(tried: Sequence[Tried]) -> GateError:
    """The error where no candidate was taken: it names the nearest and what that lacks."""
    nearest = min(tried, key=lambda one: one.shortfall)
    lacks = [f"  {gates.worded(result)}" for result in assess.lacking(nearest.results)]
    return GateError(
        "\n".join(
            [
                "No student of the ladder passes the gates on validation rows, so nothing is sealed. The nearest, "
                f"{nearest.name}, lacks:",
                *lacks,
                "Give it more to learn from (transfer.augment), or change the limits in [gates].",
            ]
        )
    )
