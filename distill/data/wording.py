"""Words that messages about data share: counts with their noun, lists of names."""

from __future__ import annotations

from collections.abc import Iterable

_LISTED = 20
_NAME_CHARACTERS = 40


def listed(names: Iterable[str]) -> str:
    """Names in quotes, the first twenty of them; a long one is cut, as it may be a value in a headless file."""
    every = list(names)
    short = [name if len(name) <= _NAME_CHARACTERS else f"{name[:_NAME_CHARACTERS]}…" for name in every[:_LISTED]]
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(map(repr, short)) + more


def counted(number: int, noun: str) -> str:
    """The number and its noun: "1 row", "2,000 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
