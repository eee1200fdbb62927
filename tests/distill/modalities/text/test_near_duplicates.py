"""Near copies of texts: what counts as one, and what does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from distill.modalities.text import near_duplicates

WORDS = ["".join(random.Random(i).choices("abcdefghijklmnopqrstuvwxyz", k=2 + i % 8)) for i in range(3000)]


def texts(count: int, words: int) -> list[str]:
    chance = random.Random(words)
    return [" ".join(chance.choices(WORDS, k=words)) for _ in range(count)]


def pairs(rows: list[str]) -> list[set[tuple[int, int]]]:
    """The pairs of each level, the lesser row first."""
    levels = near_duplicates.pairs({"text": np.array(rows, dtype=object)})
    return [{(min(pair), max(pair)) for pair in level.tolist()} for level in levels]


def one_word_changed(text: str) -> str:
    words = text.split()
    words[len(words) // 2] = "otherwise"
    return " ".join(words)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "trailing space": lambda text: text + " ",
    "capitals": str.upper,
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "several spaces": lambda text: text.replace(" ", " \t "),
    "full width": lambda text: "".join(chr(ord(letter) + 0xFEE0) if letter != " " else letter for letter in text),
    "zero-width spaces": lambda text: text.replace("e", "e\u200b"),
    "marks at the ends": lambda text: f'"{text}"!!!',
    "retweet": lambda text: f"RT {text}",
    "retweet of somebody": lambda text: f"RT @somebody: {text}",
    "reply": lambda text: f"Re: {text}",
    "forwarded reply": lambda text: f"Fwd: RE: {text}",
    "emoji": lambda text: text + " 😀🎉",
    "link": lambda text: text + " https://t.co/9fQx21",
    "user": lambda text: "@somebody " + text,
}
EDITS: dict[str, Callable[[str], str]] = {
    "number": lambda text: text + " 42",
    "one word of twenty": one_word_changed,
    "slip": lambda text: text[:9] + text[10:],
    "cut": lambda text: text[:-8],
}


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("words", [3, 8, 20])
def test_another_spelling_of_a_text_is_surely_a_copy(name: str, words: int) -> None:
    rows = texts(100, words)
    surely = pairs(rows + [SPELLINGS[name](text) for text in rows])[0]
    assert surely == {(i, i + 100) for i in range(100)}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_text_is_a_copy(name: str) -> None:
    rows = texts(200, 20)
    found = set().union(*pairs(rows + [EDITS[name](text) for text in rows]))
    assert len(found & {(i, i + 200) for i in range(200)}) >= 199
    assert found <= {(i, i + 200) for i in range(200)}


def test_texts_that_share_some_words_are_no_copies() -> None:
    rows = texts(300, 20)
    halves = [f"{' '.join(one.split()[:10])} {' '.join(other.split()[10:])}" for one, other in pairwise(rows)]
    assert set().union(*pairs(rows + halves)) == set()


def test_short_texts_are_copies_only_where_their_words_are_the_same() -> None:
    assert set().union(
        *pairs(["order 12", "order 13", "good film", "good films", "Good film!", "", " ", "!!!", "😀"])
    ) == {(2, 4)}


def test_long_texts_that_differ_in_numbers_are_likely_copies() -> None:
    surely, likely, _ = pairs(["your order 17 of 2024 was sent to you", "Your order 9 of 1999 was sent to you."])
    assert (surely, likely) == (set(), {(0, 1)})


def test_words_of_other_scripts_count_as_words() -> None:
    rows = ["привет, мир", "ПРИВЕТ МИР!", "你好世界", "再见世界", "مرحبا", "مرحبا "]
    assert pairs(rows)[0] == {(0, 1), (4, 5)}


def test_no_text_at_all_gives_no_pairs() -> None:
    assert set().union(*pairs([""])) == set()
    assert set().union(*pairs(["", "\n", "x" * 10_000])) == set()
