"""Which words may take a word's place: those that a teacher's vectors put near it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from distill.modalities.modality import Floats

_NEAR = 12  # words of the texts that a word may stand in for
_AT_ONCE = 2000


def substitutes(
    known: Sequence[str], words: Sequence[str], vectors: Callable[[Sequence[str]], Floats | None]
) -> Mapping[str, Sequence[str]]:
    """For each of `known`, the words of the training texts, those of `words` that have it among their nearest.

    So every one of `words` comes up, however rare it is itself. `vectors`: words -> [V,H], or None if there are none.
    """
    every = sorted({*known, *words})
    found = vectors(every)
    if found is None:
        return {}
    unit = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    place = {word: row for row, word in enumerate(every)}
    sources = sorted(set(known))
    column = {word: number for number, word in enumerate(sources)}
    of_sources = unit[[place[word] for word in sources]]
    result: dict[str, list[str]] = {word: [] for word in sources}
    near = min(_NEAR, len(sources) - 1)
    for start in range(0, len(every) if near > 0 else 0, _AT_ONCE):
        words_here = every[start : start + _AT_ONCE]
        likeness = unit[start : start + _AT_ONCE] @ of_sources.T
        own = [(row, column[word]) for row, word in enumerate(words_here) if word in column]
        likeness[tuple(np.array(own, np.int64).reshape(-1, 2).T)] = -np.inf  # no word takes its own place
        nearest = np.argpartition(-likeness, near - 1, axis=1)[:, :near]
        for word, columns in zip(words_here, nearest.tolist(), strict=True):
            for number in columns:
                result[sources[number]].append(word)
    return result
