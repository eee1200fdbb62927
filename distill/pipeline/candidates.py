"""The ladder: students from the smallest to the largest, each of settings that were found good for its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distill.errors import RecipeError
from distill.modalities import register
from distill.recipe.schema import Recipe, Student

# What a recipe says of these it says of its own kind of student.
_OF_ONE_KIND = frozenset(
    {"kind", "width", "embedding", "layers", "vocabulary", "buckets", "misspellings", "bits", "size", "blocks"}
)
_BUDGET = frozenset({"learning_rate", "batch_size", "dropout", "precision"})


@dataclass(frozen=True)
class Candidate:
    """A student that a recipe may take, from the ladder of its modality."""

    name: str
    student: Student


def of(recipe: Recipe) -> tuple[Candidate, ...]:
    """The ladder for the recipe's rows, from the smallest on, without what its teacher cannot teach."""
    modality = register.of(recipe.data)
    kept = {key: getattr(recipe.student, key) for key in recipe.student.model_fields_set - _OF_ONE_KIND - _BUDGET}
    return tuple(
        Candidate(name, Student(**{**kept, **settings}))
        for name, settings in modality.candidates.items()
        if not (needed := modality.students[str(settings["kind"])].teachers)
        or {recipe.teacher.kind, *(recipe.teacher.members or ())} & {*needed}
    )


def chosen(recipe: Recipe, names: Sequence[str]) -> tuple[Candidate, ...]:
    """The candidates of these names; one of each kind where there are none.

    Raises:
        RecipeError: the ladder has no such student.
    """
    found = {it.name: it for it in of(recipe)}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise RecipeError(f"The ladder for this recipe has no student {unknown[0]!r}. It has: {', '.join(found)}.")
    return tuple(it for name, it in found.items() if name in (names or register.of(recipe.data).compared))
