from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distill.modalities.text import word_substitutes


def on_a_circle(words: Sequence[str]) -> np.ndarray:
    """Words are as near as their numbers."""
    angle = np.array([float(word[1:]) for word in words], np.float32) / 100
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_every_word_stands_in_for_the_known_words_nearest_to_it_and_never_for_itself() -> None:
    known = [f"k{place * 10}" for place in range(30)]
    found = word_substitutes.substitutes(known, ["p1", "p299"], on_a_circle)
    assert sorted(word for word in known if "p1" in found[word]) == sorted(f"k{place * 10}" for place in range(12))
    assert all("p299" in found[f"k{place * 10}"] for place in range(18, 30))
    assert all(word not in others for word, others in found.items())
    assert {other for others in found.values() for other in others} == {*known, "p1", "p299"}


def test_one_known_word_or_none_has_no_substitutes() -> None:
    assert word_substitutes.substitutes(["k1"], ["p2"], on_a_circle) == {"k1": []}
    assert word_substitutes.substitutes([], ["p2"], on_a_circle) == {}


def test_a_teacher_that_reads_no_words_gives_none() -> None:
    assert word_substitutes.substitutes(["k1", "k2"], ["p2"], lambda _: None) == {}


def test_the_order_of_words_does_not_matter() -> None:
    known = [f"k{place}" for place in range(20)]
    assert word_substitutes.substitutes(known, ["p3", "p4"], on_a_circle) == word_substitutes.substitutes(
        known[::-1], ["p4", "p3"], on_a_circle
    )
