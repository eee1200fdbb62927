"""The text of a first recipe: what was found in the data, and the limits that a bundle is to keep."""

from __future__ import annotations

import json
from collections.abc import Sequence

from distill.recipe.schema import Data, Gates

_COMMENTS = {
    "min_retention": "accuracy of the student / accuracy of the teacher, at least",
    "max_kilobytes": "size of the model, at most",
    "max_latency_ms": "median time of one row on one thread, at most",
}


def text(name: str, about: str, data: Data, unused: Sequence[str]) -> str:
    """A recipe in TOML. `name`: its file, for the command that runs it; `unused`: columns that might be inputs too."""
    given = data.model_dump(exclude_none=True, exclude_defaults=True)
    lines = [
        f"# limbeck run {name}",
        "#",
        f"# {about}",
        "# docs/recipe.md has every key, its values and its default.",
        "",
    ]
    lines += ["[data]", *(f"{key} = {quoted(str(value))}" for key, value in given.items())]
    lines += [f"# Texts too, and not used: {', '.join(map(quoted, unused))}"] if unused else []
    lines += [
        "",
        "[student]",
        '# kind = "auto"  # the smallest that keeps the gates below; docs/students.md has the others',
    ]
    lines += ["", "[gates]  # limits that the evidence keeps, or nothing is sealed"]
    lines += [f"{key} = {getattr(Gates(), key):g}  # {comment}" for key, comment in _COMMENTS.items()]
    return "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    """A TOML string on one line."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
