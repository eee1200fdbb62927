"""Words as hurried people write them: two letters swapped, one left out, doubled, or another in its place."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from distill import cache
from distill.data.rows import Rows

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FEWEST = 4  # letters; in a shorter word a slip makes another word
WORD = re.compile(r"[^\W\d_]+")


def word(right: str, random: np.random.Generator) -> str:
    """`right` with one slip behind its first letter; as it is where it has fewer than four letters."""
    if len(right) < _FEWEST:
        return right
    place, kind = int(random.integers(1, len(right) - 1)), int(random.integers(4))
    before, letter, after = right[:place], right[place], right[place + 1 :]
    if kind == 0:
        return before + after[0] + letter + after[1:]
    if kind == 1:
        return before + after
    if kind == 2:
        return before + letter + letter + after
    return before + _LETTERS[random.integers(len(_LETTERS))] + after


def texts(right: Sequence[str], share: float, seed: int) -> np.typing.NDArray[np.object_]:
    """The texts [N] with a slip in `share` of their words of four letters or more, at least one a text that has any.

    The same seed gives the same slips.
    """
    random = np.random.default_rng(seed)
    return np.array([_text(text, share, random) for text in right], dtype=object)


def rows(right: Rows, share: float, seed: int) -> Rows:
    """The rows [N] with slips in `share` of their words, under keys of their own; only labels stay."""
    slips = texts([str(text) for text in right.columns["text"].tolist()], share, seed)
    keys = np.array([cache.digest(text.encode()) for text in slips.tolist()], dtype=object)
    return Rows(columns={"text": slips}, labels=right.labels, keys=keys)


def _text(right: str, share: float, random: np.random.Generator) -> str:
    spans = [found.span() for found in WORD.finditer(right) if found.end() - found.start() >= _FEWEST]
    if not spans:
        return right
    count = max(1, round(share * len(spans)))
    chosen = sorted(random.choice(len(spans), size=count, replace=False).tolist(), reverse=True)
    for start, end in (spans[place] for place in chosen):
        right = right[:start] + word(right[start:end], random) + right[end:]
    return right
