"""What a recipe leaves open, filled in by the kind of input that it is about, and whether its parts go together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distill.errors import RecipeError, nearest
from distill.modalities import register
from distill.modalities.modality import Modality
from distill.recipe import load as recipes
from distill.recipe import rules
from distill.recipe.schema import AUTO, Recipe


def load(path: str | Path, overrides: Sequence[str] = ()) -> tuple[Recipe, Path]:
    """Read a recipe and resolve it. Returns it with the folder where its relative paths start.

    Raises:
        RecipeError: see `distill.recipe.load.load`; or parts that do not go together.
    """
    found = recipes.find(path)
    recipe = recipes.load(found, overrides)
    try:
        return resolved(recipe), found.parent
    except RecipeError as error:
        raise RecipeError(f"{found}: {error}") from None


def resolved(recipe: Recipe) -> Recipe:
    """This recipe with `teacher.kind` and `student.kind` filled in; a resolved recipe comes back equal.

    Teacher: precomputed where soft labels are given, else the modality's first. Student: the modality's first; "auto"
    stays, as it is decided once students are there.

    Raises:
        RecipeError: parts that do not go together, and what to choose instead.
    """
    rules.check_data(recipe.data)
    modality = register.of(recipe.data)
    given = "precomputed" if recipe.data.soft_label_prefix is not None else None
    teacher = recipe.teacher.kind or given or modality.teacher_kinds[0]
    student = recipe.student.kind or next(iter(modality.students))
    whole = recipe.model_copy(
        update={
            "teacher": recipe.teacher.model_copy(update={"kind": teacher}),
            "student": recipe.student.model_copy(update={"kind": student}),
        }
    )
    _check(modality, "teacher", teacher, modality.teacher_kinds)
    _check(modality, "student", student, (*modality.students, AUTO))
    kind = modality.students.get(student)
    if kind and kind.teachers and teacher not in kind.teachers:
        raise RecipeError(
            f"student.kind {student!r} starts from the layers of {' or '.join(kind.teachers)}, and teacher.kind is "
            f"{teacher!r}. Choose another student.kind, or such a teacher."
        )
    rules.check(whole)
    return whole


def _check(modality: Modality, part: str, kind: str, known: Sequence[str]) -> None:
    if kind not in known:
        raise RecipeError(
            f"{part}.kind {kind!r} does not go with {modality.rows_are}. Choose {' or '.join(map(repr, known))}, "
            f"or take {part}.kind out." + (f" Did you mean {near!r}?" if (near := nearest(kind, known)) else "")
        )
