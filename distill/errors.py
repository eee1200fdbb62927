"""What can go wrong while a bundle is made, and the exit status each gives.

DistillError
├── RecipeError   2   the recipe is wrong
├── DataError     2   the rows are missing, unreadable or cannot be learned from
├── FetchError    2   a public set or a teacher's weights cannot be had
├── PeerError     2   a classifier of another maker cannot be run
└── GateError     3   the evidence is below a gate: nothing is sealed
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence


class DistillError(Exception):
    """Root of everything this package raises on purpose. Messages say what, where and what to do."""

    exit_status = 2


class RecipeError(DistillError):
    """The recipe holds an unknown key, a wrong value, or a combination that makes no sense."""


class DataError(DistillError):
    """Rows that are missing, unreadable, or that nothing can be learned from."""


class FetchError(DistillError):
    """A public data set or a teacher's weights could not be fetched, or are not the pinned ones."""


class PeerError(DistillError):
    """The peers' environment is missing, or a peer's program failed. The message has its last line."""


class GateError(DistillError):
    """At least one gate failed; the message lists each with its limit and value."""

    exit_status = 3


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name most like `name`, if any is, for a message: case and spaces do not count."""
    folded = {key.casefold().strip(): key for key in reversed(known)}
    found = difflib.get_close_matches(name.casefold().strip(), folded, n=1)
    return folded[found[0]] if found else None
