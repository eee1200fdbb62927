"""The reference of a recipe as Markdown, made from the models: `make docs` puts it into docs/recipe.md."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from distill.recipe.schema import Column, Label, Recipe

BEGIN, END = "<!-- made by `make docs` -->", "<!-- /made -->"
_TYPES = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`", tuple: "list of texts"}
_NAMES = {Column: "column", Label: "label"}  # what a section's keys are
_BOUNDS = (("ge", "from"), ("gt", "over"), ("le", "to"), ("lt", "under"))  # of annotated-types, which pydantic brings


def markdown() -> str:
    """A heading and a table for each section."""
    own = {name: field for name, field in Recipe.model_fields.items() if not _is_section(field)}
    parts = ["\n".join(["## At the top", "", *_table(own)])]
    for name, field in Recipe.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            about = re.sub(r"\s+", " ", model.__doc__ or "").strip()
            parts.append("\n".join([f"## `[{name}]`", "", about, "", *_table(model.model_fields)]))
    return "\n\n".join(parts) + "\n"


def renewed(text: str) -> str:
    """A document with what stands between the marks made anew.

    Raises:
        ValueError: it has no such marks.
    """
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or END not in rest:
        raise ValueError(f"wanted the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{markdown()}\n{END}{after}"


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _table(fields: dict[str, FieldInfo]) -> Iterator[str]:
    yield from ("| key | values | default | |", "|---|---|---|---|")
    for name, field in fields.items():
        meaning = re.sub(r"\s+", " ", field.description or "").strip()
        yield f"| `{name}` | {_values(field)} | {_default(field)} | {meaning} |"


def _values(field: FieldInfo) -> str:
    """What a key takes: words of a choice, or a type with its bounds."""
    [kind, *_] = [it for it in get_args(field.annotation) if it is not type(None)] or [field.annotation]
    if get_origin(field.annotation) is not None and type(None) not in get_args(field.annotation):
        kind = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in get_args(kind))
    if get_origin(kind) is dict:
        name, value = get_args(kind)
        return f"a section: {_NAMES[name]} = {_values(FieldInfo.from_annotation(value))}"
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    bounds = [f"{word} {getattr(it, key):,}" for key, word in _BOUNDS for it in field.metadata if hasattr(it, key)]
    return " ".join([_TYPES[get_origin(kind) or kind], *bounds])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed" if field.description and "Default" not in field.description else ""
    return "" if field.default in (None, {}) else f"`{json.dumps(field.default)}`"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(renewed(document.read_text(encoding="utf-8")), encoding="utf-8")
