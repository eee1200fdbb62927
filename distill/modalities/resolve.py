"""What a recipe leaves open, filled in by the kind of input that it is about, and whether its parts go together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distill.errors import RecipeError, nearest
from distill.modalities import register
from distill.modalities.modality import Modality
from distill.recipe import load as recipes
from distill.recipe import rules
from distill.recipe.schema import AUTO, BEST, STACK, Recipe
from distill.teachers import weights

_STACK_FOLDS = 5
_ALONE = (STACK, "precomputed")  # kinds of teacher that are no members of a stack


def load(path: str | Path, overrides: Sequence[str] = ()) -> tuple[Recipe, Path]:
    """Read a recipe and resolve it. Returns it with the folder where its relative paths start.

    Raises:
        RecipeError: see `distill.recipe.load.load`; or parts that do not go together.
    """
    found = recipes.find(path)
    recipe = recipes.load(found, overrides)
    try:
        whole = resolved(recipe)
        if "encoder" in (whole.teacher.kind, *(whole.teacher.members or ())):
            weights.check_named(whole.teacher.model, whole.teacher.sha256, found.parent)
        return whole, found.parent
    except RecipeError as error:
        raise RecipeError(f"{found}: {error}") from None


def resolved(recipe: Recipe) -> Recipe:
    """This recipe with the kinds of teacher and student, a stack's members and the folds filled in.

    A resolved recipe comes back equal. Teacher: precomputed where soft labels are given, else the modality's first.
    Student: the modality's usual one; "best" and "auto" stay, as they are decided once students are there.

    Raises:
        RecipeError: parts that do not go together, and what to choose instead.
    """
    rules.check_data(recipe.data)
    modality = register.of(recipe.data)
    given = "precomputed" if recipe.data.soft_label_prefix is not None else None
    teacher = recipe.teacher.kind or given or modality.teacher_kinds[0]
    student = recipe.student.kind or (BEST if len(modality.usual) > 1 else modality.usual[0])
    members = modality.stack if teacher == STACK and recipe.teacher.members is None else recipe.teacher.members
    folds = recipe.transfer.folds or (_STACK_FOLDS if teacher == STACK else 1)
    data = recipe.data
    unset = data.split_by_group is None and data.group is not None and data.split is None
    if unset and recipe.evaluation.held_out_group is not None:
        data = data.model_copy(update={"split_by_group": False})  # the group that is held out is left out of a probe
    whole = recipe.model_copy(
        update={
            "data": data,
            "teacher": recipe.teacher.model_copy(update={"kind": teacher, "members": members}),
            "transfer": recipe.transfer.model_copy(update={"folds": folds}),
            "student": recipe.student.model_copy(update={"kind": student}),
        }
    )
    whole = _with_defaults(whole, modality)
    _check(modality, "teacher.kind", teacher, modality.teacher_kinds)
    for member in members or ():
        _check(modality, "teacher.members", member, [it for it in modality.teacher_kinds if it not in _ALONE])
    _check(modality, "student.kind", student, (*modality.students, BEST, AUTO))
    kind = modality.students.get(student)
    if kind and kind.teachers and not {teacher, *(members or ())} & {*kind.teachers}:
        among = f", of {' and '.join(members)}" if members else ""
        raise RecipeError(
            f"student.kind {student!r} starts from the layers of {' or '.join(kind.teachers)}, and teacher.kind is "
            f"{teacher!r}{among}. Choose another student.kind, or such a teacher."
        )
    rules.check(whole)
    return whole


def _with_defaults(recipe: Recipe, modality: Modality) -> Recipe:
    """The recipe with the modality's own defaults where it names nothing."""
    for place, value in modality.defaults.items():
        section, key = place.split(".")
        found = getattr(recipe, section)
        if key not in found.model_fields_set:
            recipe = recipe.model_copy(update={section: found.model_copy(update={key: value})})
    return recipe


def _check(modality: Modality, part: str, kind: str, known: Sequence[str]) -> None:
    if kind not in known:
        raise RecipeError(
            f"{part} {kind!r} does not go with {modality.rows_are}. Choose {' or '.join(map(repr, known))}, "
            f"or take {part.split()[0]} out." + (f" Did you mean {near!r}?" if (near := nearest(kind, known)) else "")
        )
