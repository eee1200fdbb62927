"""`student.kind = "auto"`: the smallest student of the ladder that passes the recipe's gates on validation rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from distill.errors import GateError
from distill.evaluation import gates
from distill.evaluation.evidence import GateResult
from distill.pipeline import assess, build_student, candidates
from distill.pipeline.build_student import Made
from distill.pipeline.candidates import Rung
from distill.pipeline.training_inputs import Lesson
from distill.progress import say


@dataclass(frozen=True)
class Tried:
    """A rung, and what the gates found of its student on validation rows."""

    name: str
    results: tuple[GateResult, ...]

    @property
    def shortfall(self) -> float:
        """How far the student is beyond its limits: each as a share of the limit, summed; 0 where it passes."""
        return sum(
            math.inf if result.value is None else abs(result.value - result.limit) / max(abs(result.limit), 1e-9)
            for result in assess.lacking(self.results)
        )


def smallest(lesson: Lesson) -> Made:
    """Climb the ladder to the first student that passes.

    Raises:
        GateError: none does. The message names the nearest and what it lacks.
    """
    tried: list[Tried] = []
    references = assess.references(lesson, lesson.rows.validation)
    for rung in by_size(lesson):
        made = build_student.make(lesson, rung.student, f"student {rung.name}")
        tried.append(Tried(rung.name, assess.on_validation(lesson, made, references)))
        lacks = assess.lacking(tried[-1].results)
        say(f"  {rung.name}: " + ("; ".join(map(gates.worded, lacks)) or "passes on validation rows"))
        if not lacks:
            return made
    raise GateError(_nearest(tried))


def by_size(lesson: Lesson) -> tuple[Rung, ...]:
    """The ladder's rungs by the bytes that their students will take: what is learnt does not change them."""
    found = candidates.rungs(lesson.recipe, lesson.rows.task)
    return tuple(sorted(found, key=lambda rung: build_student.size(lesson, rung.student)))


def _nearest(tried: Sequence[Tried]) -> str:
    nearest = min(tried, key=lambda one: one.shortfall)
    lacks = [f"  {gates.worded(result)}" for result in assess.lacking(nearest.results)]
    return "\n".join(
        [
            f"No student of the ladder passes the gates on validation rows, so nothing is sealed. The nearest, "
            f"{nearest.name}, lacks:",
            *lacks,
            "Give it more to learn from (transfer.augment), or change the limits in [gates].",
        ]
    )
