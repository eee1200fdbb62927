"""Which parts of a recipe go together, checked before anything is read or trained."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from distill.errors import RecipeError
from distill.recipe.public_sets import CATALOGUE

if TYPE_CHECKING:
    from distill.recipe.schema import Data, Recipe

FILES = ("csv", "jsonl", "parquet")
_NAMED = {named.name: named for named in CATALOGUE}
_OF_FILES = ("path", "text", "columns", "label", "soft_label_prefix", "group", "split", "types")


def check(recipe: Recipe) -> None:
    """Refuse a recipe, its kinds of teacher and student filled in, whose parts do not go together.

    Raises:
        RecipeError: which, and what to choose instead.
    """
    data = recipe.data
    if data.source in _NAMED:
        _named(data)
    elif data.source in FILES:
        _file(data)
    else:
        _unknown_source(data)
    _teacher(recipe)
    _transfer(recipe)
    held_out = recipe.evaluation.held_out_group
    groups = _NAMED[data.source].groups if data.source in _NAMED else ()
    if held_out is not None and data.source in _NAMED and held_out not in groups:
        found = f"its groups are {', '.join(groups)}" if groups else "it has no groups"
        raise RecipeError(f"evaluation.held_out_group is {held_out!r}, which {data.source} lacks: {found}.")
    if held_out is not None and data.source in FILES and data.group is None:
        raise RecipeError("evaluation.held_out_group needs data.group, the column that holds the groups.")


def _named(data: Data) -> None:
    refused = [key for key in _OF_FILES if key != "path" or not _NAMED[data.source].takes_path]
    given = [key for key in refused if getattr(data, key)]
    if given:
        raise RecipeError(
            f"data.{given[0]} is for files, and {data.source} comes with its own columns and split. "
            f"Take it out, or set data.source to one of {', '.join(FILES)}."
        )


def _file(data: Data) -> None:
    for key, meaning in (("path", "the file with the rows"), ("label", "the column with the classes")):
        if not getattr(data, key):
            raise RecipeError(f"data.source {data.source!r} needs data.{key}, {meaning}.")
    for key in ("text", "group", "split", "soft_label_prefix"):
        if getattr(data, key) == "":
            raise RecipeError(f"data.{key} is empty, wanted a name. Fill it in or take it out.")
    if data.text is not None and data.columns is not None:
        raise RecipeError("data.text and data.columns are both given. Keep text for texts or columns for a table.")
    if data.text is not None and data.types:
        raise RecipeError("data.types is for columns, and data.text is given. Take one of the two out.")
    _columns(data)
    roles = [(key, getattr(data, key)) for key in ("text", "label", "group", "split") if getattr(data, key)]
    for index, (key, column) in enumerate(roles):
        for other, same in roles[:index]:
            if column == same:
                raise RecipeError(f"data.{other} and data.{key} are the same column {column!r}. Name two.")


def _columns(data: Data) -> None:
    columns = data.columns
    if columns is None:
        return
    if not columns:
        raise RecipeError("data.columns is empty. List columns, or take it out to use all that have no other role.")
    twice = next((column for index, column in enumerate(columns) if column in columns[:index]), None)
    if twice is not None:
        raise RecipeError(f"data.columns names {twice!r} twice.")
    for role in ("label", "split"):
        if getattr(data, role) in columns:
            raise RecipeError(f"data.columns holds the {role} column {getattr(data, role)!r}. Take it out of the list.")
    for typed in data.types:
        if typed not in columns:
            near = difflib.get_close_matches(typed, columns, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise RecipeError(f"data.types names {typed!r}, which is not in data.columns.{meant}")


def _unknown_source(data: Data) -> None:
    suffix = data.source.rsplit(".", 1)[-1].lower()
    if suffix in FILES and "." in data.source:
        raise RecipeError(f'data.source is {data.source!r}. Set source = "{suffix}" and path = {data.source!r}.')
    known = (*FILES, *_NAMED)
    near = difflib.get_close_matches(data.source.lower().replace("_", "-"), known, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise RecipeError(f"data.source is {data.source!r}, wanted one of {', '.join(known)}.{meant}")


def _transfer(recipe: Recipe) -> None:
    if recipe.transfer.augment and recipe.teacher.kind == "precomputed":
        raise RecipeError(
            "transfer.augment needs a teacher that can label varied rows, and a precomputed one cannot. Take it out."
        )


def _teacher(recipe: Recipe) -> None:
    teacher, prefix = recipe.teacher, recipe.data.soft_label_prefix
    if teacher.kind == "precomputed" and prefix is None:
        raise RecipeError(
            "teacher.kind 'precomputed' needs data.soft_label_prefix, the prefix of the columns "
            "with its probabilities (p_ for p_spam and p_ham)."
        )
    if teacher.kind != "precomputed" and prefix is not None:
        raise RecipeError(
            f"data.soft_label_prefix gives a teacher's probabilities, and teacher.kind is {teacher.kind!r}. "
            "Take one of the two out."
        )
    if teacher.kind == "encoder" and teacher.mode == "frozen" and teacher.train_layers is not None:
        raise RecipeError("teacher.train_layers has no effect with mode 'frozen'. Set teacher.mode = 'finetune'.")
    if teacher.runs > 1 and not (teacher.kind == "encoder" and teacher.mode == "finetune"):
        raise RecipeError(
            "teacher.runs over 1 averages the weights of fine-tuned encoders. Set teacher.mode = 'finetune', or take "
            "teacher.runs out."
        )
    named = _NAMED.get(recipe.data.source)
    if teacher.vote_weight > 0 and not (named and named.votes):
        raise RecipeError("teacher.vote_weight needs raters' votes, and these rows have none. Take it out.")
