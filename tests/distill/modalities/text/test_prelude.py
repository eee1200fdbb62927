from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.errors import DataError
from distill.modalities.prelude import FEATURES, Prelude
from distill.modalities.text import prelude as text
from distill.modalities.text.char_ngrams import GRAMS, LONGEST_WORD, PLACES
from distill.modalities.text.prelude import END, FIRST_WORD, PAD

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


@pytest.fixture(scope="module", params=[0, 1024], ids=["plain", "mending"])
def prelude(request: pytest.FixtureRequest) -> Prelude:
    return text.fit(np.array(SPOKEN * 3, dtype=object), 200, BUCKETS, MAX_TOKENS, misspellings=request.param)


def read(prelude: Prelude, texts: Sequence[str]) -> list[np.ndarray]:
    """Ids, grams and places of one run of the graph over the whole batch, as a request makes it."""
    feed = {"text": np.array(list(texts), dtype=object)}
    return session(prelude.model.SerializeToString()).run([FEATURES, GRAMS, PLACES], feed)


def served(prelude: Prelude, texts: Sequence[str]) -> np.ndarray:
    """Ids [N,L] alone; every unknown word has the vocabulary's width for an id, wherever it stands."""
    return read(prelude, texts)[0]


def runs(prelude: Prelude, word: str) -> list[int]:
    """The runs of letters of one unknown word."""
    [grams] = read(prelude, [word])[1]
    return [gram for gram in grams.tolist() if gram]


@functools.cache
def session(model: bytes) -> ort.InferenceSession:
    return ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def tokens(prelude: Prelude, text_: str) -> list[str]:
    """The row's words, "?" for each that is unknown."""
    ids = [int(i) for i in served(prelude, [text_])[0] if i not in (PAD, END)]
    return ["?" if i == prelude.width else prelude.words[i - FIRST_WORD] for i in ids]


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
    assert (together >= 0).all()
    for text_, row in zip(texts, together, strict=True):
        alone = served(prelude, [text_])[0]
        assert row[: len(alone)].tolist() == alone.tolist()
        assert (row[len(alone) :] == PAD).all()
        assert (row == END).sum() == 1
        assert (row[: row.tolist().index(END)] >= FIRST_WORD).all()


@pytest.mark.parametrize("mark", ["\x03", "good\x03", "\x03 good", "good \x03\x03"])
def test_the_character_that_ends_a_text_ends_none_that_holds_it(prelude: Prelude, mark: str) -> None:
    assert tokens(prelude, f"the {mark} film") == tokens(prelude, f"the {mark.replace(chr(3), ' ')} film")
    assert (served(prelude, [f"film {mark}"]) == END).sum() == 1


@pytest.mark.parametrize("words", [MAX_TOKENS - 1, MAX_TOKENS, MAX_TOKENS + 1])
@pytest.mark.parametrize("word", ["good", "zzz"])
def test_an_end_stands_behind_the_last_word_that_is_read(prelude: Prelude, words: int, word: str) -> None:
    [row] = served(prelude, [f"{word} " * words])
    assert len(row) == min(words, MAX_TOKENS) + 1
    assert row[-1] == END
    assert (row[:-1] >= FIRST_WORD).all()


def test_a_batch_without_an_unknown_word_has_no_grams(prelude: Prelude) -> None:
    _, grams, places = read(prelude, ["good film", ""])
    assert grams.shape[0] == places.shape[0] == 0


def test_a_megabyte_of_text_is_cut_at_max_tokens(prelude: Prelude) -> None:
    rows = served(prelude, ["good " * 200_000, "\u8fd9" * 300_000, "x" * 1_000_000])
    assert rows.shape == (3, MAX_TOKENS + 1)
    assert (rows[:2, -1] == END).all()
    assert rows[2, 1:].tolist() == [END] + [PAD] * (MAX_TOKENS - 1)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(anything, min_size=1, max_size=6), data=st.data())
def test_training_reads_any_batch_of_texts_as_the_served_graph_does(
    prelude: Prelude, texts: list[str], data: st.DataObject
) -> None:
    known = prelude.tokens({"text": np.array(texts, dtype=object)})
    assert len(known) == len(texts)
    places = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=8))
    ids, grams, where = known.batch(np.array(places))
    wanted_ids, wanted_grams, wanted_where = read(prelude, [texts[place] for place in places])
    assert ids.tolist() == wanted_ids.tolist()
    assert where.tolist() == wanted_where.tolist()
    width = min(wanted_grams.shape[1], grams.shape[1])
    assert not grams[:, width:].any() and not wanted_grams[:, width:].any()
    assert grams[:, :width].tolist() == wanted_grams[:, :width].tolist()


def test_training_reads_a_megabyte_of_text_as_the_served_graph_does(prelude: Prelude) -> None:
    texts = ["the film", "good " * 200_000, "", "good film"]
    ids, _, _ = prelude.tokens({"text": np.array(texts, dtype=object)}).batch(np.arange(4))
    assert ids.tolist() == served(prelude, texts).tolist()


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
    "word", ["\uc601\ud654\uac00", "\u05e9\u05dc\u05d5\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947"]
)
def test_scripts_with_spaces_keep_their_words_whole(prelude: Prelude, word: str) -> None:
    assert tokens(prelude, word) == [word]


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("don't", ["don", "'t"]),
        ("the film's good", ["the", "film", "'s", "good"]),
        ("the film\u2019s", ["the", "film", "\u2019s"]),
        ("''good film''", ["'", "'", "good", "film", "'", "'"]),
        ("'sgood 'film'", ["'", "?", "'", "film", "'"]),
    ],
)
def test_an_apostrophe_parts_words_and_keeps_what_it_shortens(sentence: str, words: list[str]) -> None:
    known = "the film good don 't 's \u2019s '"
    assert tokens(text.fit(np.array([known] * 3, dtype=object), 50, BUCKETS, MAX_TOKENS), sentence) == words


@settings(max_examples=40, deadline=None)
@given(word=st.text("bcdfghjklmnpqrstvwxyz", min_size=9, max_size=20))
def test_an_unknown_word_is_spelt_alike_wherever_it_stands(prelude: Prelude, word: str) -> None:
    [alone] = [[gram for gram in row if gram] for row in read(prelude, [word])[1].tolist()]
    ids, grams, places = read(prelude, [f"the {word} film", f"zzz {word}"])
    assert places.tolist() == [[0, 1], [1, 0], [1, 1]] == np.argwhere(ids == prelude.width).tolist()
    assert [gram for gram in grams[0].tolist() if gram] == alone
    assert [gram for gram in grams[2].tolist() if gram] == alone
    assert len(alone) == len(word)  # a run around each letter, with the two marks


def test_a_misspelt_word_shares_most_of_its_runs_with_the_right_one() -> None:
    wide = text.fit(np.array(SPOKEN * 3, dtype=object), 200, 1 << 20, MAX_TOKENS)
    right, wrong, other = (set(runs(wide, word)) for word in ("unremarkable", "unremarkabel", "documentation"))
    assert len(right & wrong) >= 9
    assert len(right & other) <= 1


def test_runs_of_letters_spread_over_the_buckets_and_never_take_the_place_of_padding(prelude: Prelude) -> None:
    found = {run for place in range(200) for run in runs(prelude, f"zq{place}x")}
    assert found == set(range(1, BUCKETS + 1))


def test_of_a_word_without_end_the_beginning_is_spelt(prelude: Prelude) -> None:
    assert runs(prelude, "xy" * 500_000) == runs(prelude, "xy" * 100)
    assert len(runs(prelude, "xy" * 100)) == LONGEST_WORD - 2


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
    ids, grams, places = read(prelude, [odd, "good film"])
    assert ((ids >= 0) & (ids <= prelude.width)).all()
    assert len(grams) == len(places) == (ids == prelude.width).sum()
    assert ((grams >= 0) & (grams <= prelude.buckets)).all()
    assert ids[1, :2].tolist() == served(prelude, ["good film"])[0, :2].tolist()


def test_what_follows_a_nul_is_read_too(prelude: Prelude) -> None:
    assert tokens(prelude, "nul\x00inside") == ["nul", "inside"]


def test_rarer_words_surprise_more_and_marks_not_at_all() -> None:
    prelude = text.fit(
        np.array(["often rare", "often", "often rare", "often rare zzz"], dtype=object), 9, 2, MAX_TOKENS
    )
    of = dict(zip(prelude.words, prelude.surprisal[FIRST_WORD:], strict=False))
    assert len(prelude.surprisal) == prelude.width + 1
    assert prelude.surprisal[PAD] == prelude.surprisal[END] == 0
    assert 0 <= of["often"] < of["rare"] < prelude.surprisal[prelude.width]


def test_public_words_enter_the_vocabulary_by_the_transfer_set_and_nobodys_rare_word_does() -> None:
    train = np.array(["common word"] * 3 + ["common secretname"], dtype=object)
    transfer = np.array(
        ["common word", "common morose", "common morose", "secretname word", "secretname"], dtype=object
    )
    prelude = text.fit(train, 100, BUCKETS, MAX_TOKENS, ("morose", "mawkish"), transfer)
    assert prelude.words == ("common", "morose", "word")
    assert prelude.vocabulary_rows == 3
    assert b"secretname" not in prelude.model.SerializeToString()


def test_the_same_texts_in_any_order_give_the_same_bytes(prelude: Prelude) -> None:
    room = {tensor.name: tensor for tensor in prelude.model.graph.initializer}.get("limbeck/text/mark_table")
    places = room.dims[0] if room else 0
    again = text.fit(np.array(SPOKEN[::-1] * 3, dtype=object), 200, BUCKETS, MAX_TOKENS, misspellings=places)
    assert again.model.SerializeToString(deterministic=True) == prelude.model.SerializeToString(deterministic=True)
