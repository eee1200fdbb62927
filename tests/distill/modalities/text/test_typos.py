from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from distill.modalities.text import typos
from distill.modalities.text.typos import WORD

RIGHT = ["An unremarkable picture, but horribly long.", "ok", "It was 1999 and 12345678 people came"]


def differing(right: str, wrong: str) -> int:
    return sum(one != other for one, other in zip(WORD.findall(right), WORD.findall(wrong), strict=True))


def test_the_share_of_words_is_misspelt_and_at_least_one() -> None:
    text = " ".join(["wonderful"] * 40)
    for share, wanted in ((0.1, 4), (0.5, 20), (0.001, 1)):
        # A doubled or swapped letter may leave a word as it was, so a few are fewer.
        [wrong] = typos.texts([text], share, seed=1)
        assert wanted * 0.7 <= differing(text, wrong) <= wanted


def test_the_same_seed_makes_the_same_slips_and_another_seed_others() -> None:
    one, again, other = (typos.texts(RIGHT * 5, 0.3, seed).tolist() for seed in (0, 0, 1))
    assert one == again != other


def test_short_words_numbers_and_marks_stay_as_they_are() -> None:
    assert typos.texts(["a bc def 1234 !?", ""], 1.0, seed=0).tolist() == ["a bc def 1234 !?", ""]


@given(word=st.text(st.characters(categories=["L"]), min_size=1, max_size=20), seed=st.integers(0, 999))
def test_a_slip_changes_a_letter_or_two_behind_the_first(word: str, seed: int) -> None:
    wrong = typos.word(word, np.random.default_rng(seed))
    assert wrong[0] == word[0]
    assert abs(len(wrong) - len(word)) <= 1
    if len(word) < 4:
        assert wrong == word


@given(texts=st.lists(st.text(max_size=60), max_size=5), share=st.floats(0, 1))
def test_any_text_can_be_misspelt(texts: list[str], share: float) -> None:
    wrong = typos.texts(texts, share, seed=0)
    assert len(wrong) == len(texts)
    for one, other in zip(texts, wrong.tolist(), strict=True):
        assert WORD.sub("", one) == WORD.sub("", other)
