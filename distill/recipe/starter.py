"""The text of a first recipe: what was found in the data, and the limits that a bundle is to keep."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from distill.recipe.schema import Data, Gates

_COMMENTS = {
    "min_retention": "accuracy of the student / accuracy of the teacher, at least",
    "max_kilobytes": "size of the model, at most",
    "max_latency_ms": "median time of one row on one thread, at most",
}


def text(name: str, about: str, data: Data, unused: Sequence[str]) -> str:
    """A recipe in TOML. `name`: its file, for the command that runs it; `unused`: columns beside a text."""
    given = data.model_dump(exclude_none=True, exclude_defaults=True)
    lines = [
        f"# limbeck run {_on_one_line(shlex.quote(name))}",
        "#",
        f"# {_on_one_line(about)}",
        "# docs/recipe.md has every key, its values and its default.",
        "",
    ]
    lines += ["[data]", *(f"{key} = {_value(value)}" for key, value in given.items())]
    lines += [f"# Not used beside the text: {', '.join(map(quoted, unused))}"] if unused else []
    lines += [
        "",
        "[student]",
        '# kind = "auto"  # the smallest that keeps the gates below; docs/students.md has the others',
    ]
    lines += ["", "[gates]  # limits that the evidence keeps, or nothing is sealed"]
    lines += [f"{key} = {getattr(Gates(), key):g}  # {comment}" for key, comment in _COMMENTS.items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    """A key's value in TOML."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{quoted(key)} = {_value(of_key)}" for key, of_key in value.items()) + " }"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _on_one_line(comment: str) -> str:
    return " ".join(comment.split())


def quoted(value: str) -> str:
    """A TOML string on one line."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
