"""From a folder of pictures to a recipe for it: what `limbeck init` does with one."""

from __future__ import annotations

import os
from pathlib import Path

from distill.data import load
from distill.data.readers import folder
from distill.data.wording import counted, listed
from distill.errors import DataError
from distill.modalities import register
from distill.recipe import starter
from distill.recipe.rules import FOLDER
from distill.recipe.schema import Data

_SHOWN_NOTES = 10


def fits(given: Path) -> bool:
    """Whether this is a folder of pictures."""
    try:
        return given.is_dir() and folder.holds_pictures(given)
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def of(given: Path, recipe: Path, label: str | None, text: str | None) -> tuple[str, tuple[str, ...]]:
    """The recipe's text, and what a person should hear of the pictures. Arguments as in `first_recipe.of`.

    Raises:
        DataError: they cannot be learned from, or a column is named.
    """
    if label is not None or text is not None:
        raise DataError(
            f"{given} is a folder of pictures, whose sub-folders say the class: leave out --label and --text."
        )
    place = os.path.relpath(given.resolve(), recipe.resolve().parent)
    data = Data(source=FOLDER, path=place)
    rows = load.load(data, recipe.parent, register.of(data))
    parts = {"training": rows.train, "validation": rows.validation, "test": rows.test}
    of_parts = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
    count = counted(sum(map(len, parts.values())), "picture")
    about = f"{count} of {given.resolve().name} ({of_parts}), {len(rows.labels)} classes ({listed(rows.labels)})."
    return starter.text(recipe.name, about, data, ()), (about, *rows.notes[:_SHOWN_NOTES])
