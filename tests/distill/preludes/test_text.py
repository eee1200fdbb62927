from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.errors import DataError
from distill.preludes import text
from distill.preludes.prelude import FEATURES, Prelude
from distill.preludes.text import END, FIRST_WORD, PAD

MAX_TOKENS = 12
BUCKETS = 16
SPOKEN = [
    "the film was good",
    "caf\u00e9 na\u00efve don't",
    "\u8fd9\u90e8\u7535\u5f71",  # Han
    "\u3053\u306e\u30ab\u30bf",  # Hiragana, Katakana
    "\u0e2b\u0e19\u0e31\u0e07",  # Thai: the third letter carries a mark
    "\uc601\ud654\uac00 \uc88b\ub2e4",  # Hangul
    "\u05e9\u05dc\u05d5\u05dd \u0631\u0627\u0626\u0639",  # Hebrew, Arabic
    "\u0928\u092e\u0938\u094d\u0924\u0947",  # Devanagari, a word with marks in it
    "\U0001f600 !",
    "nul\x00inside",
]
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.fixture(scope="module")
def prelude() -> Prelude:
    return text.fit(np.array(SPOKEN * 3, dtype=object), 200, BUCKETS, MAX_TOKENS)


def features(prelude: Prelude, texts: Sequence[str]) -> np.ndarray:
    return prelude.features({"text": np.array(list(texts), dtype=object)})


def served(prelude: Prelude, texts: Sequence[str]) -> np.ndarray:
    """One run of the graph over the whole batch, as a request makes it."""
    return session(prelude.model.SerializeToString()).run([FEATURES], {"text": np.array(list(texts), dtype=object)})[0]


@functools.cache
def session(model: bytes) -> ort.InferenceSession:
    return ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def unknown_from(prelude: Prelude) -> int:
    """The first id of the hash buckets."""
    return FIRST_WORD + len(prelude.words)


def tokens(prelude: Prelude, text_: str) -> list[str]:
    """The row's words, "?" for each that is hashed."""
    ids = [int(i) for i in features(prelude, [text_])[0] if i not in (PAD, END)]
    return ["?" if i >= unknown_from(prelude) else prelude.words[i - FIRST_WORD] for i in ids]


def test_an_empty_text_is_an_end_mark_alone(prelude: Prelude) -> None:
    assert served(prelude, [""]).tolist() == [[END]]


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", "\u3000\u00a0", "\ufeff\u200b", "\x00\x01"])
def test_a_batch_of_nothing_but_blank_texts_is_still_one_token_wide(prelude: Prelude, blank: str) -> None:
    assert served(prelude, [blank] * 3).tolist() == [[END]] * 3


def test_short_rows_beside_long_ones_are_padded_after_their_end(prelude: Prelude) -> None:
    rows = served(prelude, ["", "good", "good film was the good film"])
    assert rows[0].tolist() == [END] + [PAD] * 6
    assert rows[1, 1:].tolist() == [END] + [PAD] * 5
    assert rows[2, -1] == END
    assert (rows[2, :-1] >= FIRST_WORD).all()


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(anything, min_size=1, max_size=5))
def test_any_row_has_one_end_after_its_words_and_is_the_same_alone_and_in_a_batch(
    prelude: Prelude, texts: list[str]
) -> None:
    together = served(prelude, texts)
    assert together.shape[1] <= MAX_TOKENS + 1
    assert ((together >= 0) & (together < prelude.width)).all()
    for text_, row in zip(texts, together, strict=True):
        alone = served(prelude, [text_])[0]
        assert row[: len(alone)].tolist() == alone.tolist()
        assert (row[len(alone) :] == PAD).all()
        assert (row == END).sum() == 1
        assert (row[: row.tolist().index(END)] >= FIRST_WORD).all()


def test_a_megabyte_of_text_is_cut_at_max_tokens(prelude: Prelude) -> None:
    rows = served(prelude, ["good " * 200_000, "\u8fd9" * 300_000, "x" * 1_000_000])
    assert rows.shape == (3, MAX_TOKENS + 1)
    assert (rows[:2, -1] == END).all()
    assert rows[2, 1:].tolist() == [END] + [PAD] * (MAX_TOKENS - 1)


def test_training_reads_a_megabyte_of_text_as_the_served_graph_does(prelude: Prelude) -> None:
    texts = ["the film", "good " * 200_000, "", "good film"]
    together = features(prelude, texts)
    for text_, row in zip(texts, together, strict=True):
        alone = served(prelude, [text_])[0]
        assert row[: len(alone)].tolist() == alone.tolist()
        assert (row[len(alone) :] == PAD).all()


def test_words_beyond_the_cut_never_enter_the_vocabulary() -> None:
    far = np.array(["near " * MAX_TOKENS + "far"] * 5, dtype=object)
    assert text.fit(far, 200, BUCKETS, MAX_TOKENS).words == ("near",)


def test_upper_and_lower_case_read_alike(prelude: Prelude) -> None:
    assert tokens(prelude, "The FILM \u00c9 CAF\u00c9") == ["the", "film", "?", "caf\u00e9"]


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("\u8fd9\u90e8\u7535\u5f71", ["\u8fd9", "\u90e8", "\u7535", "\u5f71"]),
        ("\u3053\u306e\u30ab\u30bf", ["\u3053", "\u306e", "\u30ab", "\u30bf"]),
        ("\u0e2b\u0e19\u0e31\u0e07", ["\u0e2b", "\u0e19\u0e31", "\u0e07"]),
        ("good\u7535\u5f71good", ["good", "\u7535", "\u5f71", "good"]),
    ],
)
def test_scripts_without_spaces_are_split_by_character(prelude: Prelude, sentence: str, words: list[str]) -> None:
    assert tokens(prelude, sentence) == words


@pytest.mark.parametrize(
    "word", ["\uc601\ud654\uac00", "\u05e9\u05dc\u05d5\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947", "don't"]
)
def test_scripts_with_spaces_keep_their_words_whole(prelude: Prelude, word: str) -> None:
    assert tokens(prelude, word) == [word]


@settings(max_examples=40, deadline=None)
@given(word=st.text("bcdfghjklmnpqrstvwxyz", min_size=9, max_size=20))
def test_an_unknown_word_goes_to_the_same_bucket_wherever_it_stands(prelude: Prelude, word: str) -> None:
    [alone] = served(prelude, [word])[0, :1].tolist()
    row = served(prelude, [f"the {word} film {word}"])[0].tolist()
    assert unknown_from(prelude) <= alone < prelude.width
    assert row[1] == row[3] == alone


def test_unknown_words_spread_over_the_buckets(prelude: Prelude) -> None:
    ids = served(prelude, [f"zq{i}x" for i in range(200)])[:, 0]
    assert len(set(ids.tolist())) == BUCKETS


def test_a_word_of_fewer_than_three_rows_is_nowhere_in_the_model() -> None:
    texts = ["common word", "common word", "common word secretname", "secretname secretname secretname", "common"]
    prelude = text.fit(np.array(texts, dtype=object), 100, BUCKETS, MAX_TOKENS)
    assert prelude.words == ("common", "word")
    assert prelude.vocabulary_rows == 3
    content = prelude.model.SerializeToString()
    assert b"common" in content
    assert b"secretname" not in content


def test_the_vocabulary_keeps_the_commonest_words_and_counts_rows_not_repeats() -> None:
    texts = ["rare rare rare rare often", "often x", "often x", "rare often", "rare often"]
    prelude = text.fit(np.array(texts, dtype=object), 2, BUCKETS, MAX_TOKENS)
    assert prelude.words == ("often", "rare")
    assert prelude.vocabulary_rows == 3


def test_texts_without_a_common_word_are_refused_with_what_to_check() -> None:
    with pytest.raises(DataError, match=r"No word occurs in 3 or more of the 3 .*data\.text"):
        text.fit(np.array(["one", "two", "three"], dtype=object), 100, BUCKETS, MAX_TOKENS)


@pytest.mark.parametrize(
    "odd",
    [
        "\x00",
        "a\x00b",
        "\x01\x02\x7f\x85",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd",
        "\u202e\u05d0\u05d1 abc\u202c",
        "\ufeff\u200b\u2028\u2029",
        "\U0010ffff\ufdd0",
        "\u0130\u0131\u1e9e\ufb01\u01c5",  # letters whose lower case is longer, shorter or special
        "\u0301\u0301",
        "e" + "\u0301" * 300,
    ],
)
def test_odd_characters_give_ids_in_range_and_leave_their_neighbours_alone(prelude: Prelude, odd: str) -> None:
    rows = served(prelude, [odd, "good film"])
    assert ((rows >= 0) & (rows < prelude.width)).all()
    assert rows[1, :2].tolist() == served(prelude, ["good film"])[0, :2].tolist()


def test_what_follows_a_nul_is_read_too(prelude: Prelude) -> None:
    assert tokens(prelude, "nul\x00inside") == ["nul", "inside"]


def test_rarer_words_surprise_more_and_marks_not_at_all() -> None:
    prelude = text.fit(
        np.array(["often rare", "often", "often rare", "often rare zzz"], dtype=object), 9, 2, MAX_TOKENS
    )
    of = dict(zip(prelude.words, prelude.surprisal[FIRST_WORD:], strict=False))
    assert len(prelude.surprisal) == prelude.width
    assert prelude.surprisal[PAD] == prelude.surprisal[END] == 0
    assert 0 <= of["often"] < of["rare"] < min(prelude.surprisal[unknown_from(prelude) :])


def test_the_same_texts_in_any_order_give_the_same_bytes(prelude: Prelude) -> None:
    again = text.fit(np.array(SPOKEN[::-1] * 3, dtype=object), 200, BUCKETS, MAX_TOKENS)
    assert again.model.SerializeToString(deterministic=True) == prelude.model.SerializeToString(deterministic=True)
