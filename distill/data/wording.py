"""Words that messages about data share: counts with their noun, lists of names, the nearest known name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

_LISTED = 20
_NAME_CHARACTERS = 40


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name most like `name`, if any is: case and spaces do not count."""
    folded = {key.casefold().strip(): key for key in reversed(known)}
    found = difflib.get_close_matches(name.casefold().strip(), folded, n=1)
    return folded[found[0]] if found else None


def listed(names: Iterable[str]) -> str:
    """Names in quotes, the first twenty of them; a long one is cut, as it may be a value in a headless file."""
    every = list(names)
    short = [name if len(name) <= _NAME_CHARACTERS else f"{name[:_NAME_CHARACTERS]}…" for name in every[:_LISTED]]
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(map(repr, short)) + more


def counted(number: int, noun: str) -> str:
    """The number and its noun: "1 row", "2,000 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
