"""Words spelt nearly like a known one, inside the graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.modalities.prelude import Prelude
from distill.modalities.text import prelude as text
from distill.modalities.text import typos, wordpiece
from distill.modalities.text.prelude import END, FIRST_WORD
from tests.distill.made import split

WORDS = "wonderful terrible battery claim claims love 2015 the cat é caféhaus 这 prettier".split()
TEXTS = np.array([" ".join(WORDS)] * 3, dtype=object)
ROOM = 4096


@pytest.fixture(scope="module")
def prelude() -> Prelude:
    return text.fit(TEXTS, 100, 16, 30, misspellings=ROOM)


def read(prelude: Prelude, sentence: str) -> list[str]:
    """The row's words, "?" for each that is unknown."""
    ids = prelude.tokens({"text": np.array([sentence], dtype=object)}).ids.tolist()
    return ["?" if i == prelude.width else prelude.words[i - FIRST_WORD] for i in ids if i != END]


@pytest.mark.parametrize("slip", ["wnoderful", "wonderfu", "wonderfull", "wonderful", "wondxrful", "WONDERFULE"])
def test_a_word_that_is_a_slip_away_from_a_known_one_is_read_as_that(prelude: Prelude, slip: str) -> None:
    assert read(prelude, f"the {slip} cat") == ["the", "wonderful", "cat"]


@pytest.mark.parametrize(
    "word",
    [
        "xonderful",  # the first letter is taken to be right
        "wnodreful",  # two slips
        "wonderfulness",
        "wonedrfuls",
        "teh",  # too short: another word as likely
        "2016",
        "zebra",
        "w",
        "x" * 500,
    ],
)
def test_what_is_like_no_known_word_stays_unknown(prelude: Prelude, word: str) -> None:
    assert read(prelude, f"the {word} cat") == ["the", "?", "cat"]


def test_a_known_word_is_itself_however_near_another_stands(prelude: Prelude) -> None:
    assert read(prelude, "claim claims") == ["claim", "claims"]


def test_a_letter_too_many_counts_for_nearer_than_another_letter(prelude: Prelude) -> None:
    assert read(prelude, "claimz claiim") == ["claim", "claim"]


def test_letters_that_are_not_of_english_are_read_as_well(prelude: Prelude) -> None:
    assert read(prelude, "cafehaus caféhus") == ["caféhaus", "caféhaus"]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([word for word in WORDS if len(word) >= 4 and word.isalpha()]), st.integers(0, 10_000))
def test_every_slip_of_every_word_is_mended_or_makes_another_known_word(prelude: Prelude, word: str, seed: int) -> None:
    slip = typos.word(word, np.random.default_rng(seed))
    [found] = read(prelude, slip)
    assert found == (slip if slip in WORDS else word) or {found, word} == {"claim", "claims"}


def test_words_that_stay_unknown_keep_the_letters_that_are_theirs(prelude: Prelude) -> None:
    rows = np.array(["zebra wnoderful quokka", "terible", "quokka"], dtype=object)
    plain = text.fit(TEXTS, 100, 16, 30)
    ids, grams, places = prelude.tokens({"text": rows}).batch(np.arange(3))
    [alone] = plain.tokens({"text": np.array(["quokka"], dtype=object)}).batch(np.arange(1))[1].tolist()
    assert places.tolist() == [[0, 0], [0, 2], [2, 0]] == (ids == prelude.width).nonzero().tolist()
    for row in (1, 2):
        assert [gram for gram in grams[row].tolist() if gram] == [gram for gram in alone if gram]


def test_where_places_are_few_the_commonest_words_have_them() -> None:
    texts = np.array(["wonderful terrible"] * 3 + ["wonderful"], dtype=object)
    small = text.fit(texts, 100, 16, 30, misspellings=9)  # as many as one of them would take
    slips = [typos.word(word, np.random.default_rng(i)) for word in ("wonderful", "terrible") for i in range(60)]
    found = [read(small, slip)[0] for slip in slips]
    assert found[:60].count("wonderful") > found[60:].count("terrible")


def test_without_places_nothing_is_mended_and_nothing_stored() -> None:
    plain = text.fit(TEXTS, 100, 16, 30)
    assert read(plain, "wnoderful") == ["?"]
    assert not [tensor for tensor in plain.model.graph.initializer if "table" in tensor.name]


def test_a_private_word_leaves_no_trace_in_the_table() -> None:
    def stored(last: str) -> list[bytes]:
        fitted = text.fit(np.array([*TEXTS.tolist(), last], dtype=object), 100, 16, 30, misspellings=ROOM)
        return [tensor.raw_data for tensor in fitted.model.graph.initializer]

    assert stored("secretname") == stored("x")


PUBLIC = ("terribly", "wonder", "wonderfuls", "battle", "bettery", "clam", "love", "terrible", "petty")


@pytest.fixture(scope="module")
def sparing() -> Prelude:
    """With a public list of which the vocabulary has room for what stands in the texts alone."""
    return text.fit(TEXTS, len(WORDS), 16, 30, PUBLIC, misspellings=ROOM)


@pytest.mark.parametrize("word", ["terribly", "wonderfuls", "bettery", "clam", "CLAM"])
def test_a_word_of_a_public_list_is_never_read_as_another(prelude: Prelude, sparing: Prelude, word: str) -> None:
    assert read(prelude, word) != ["?"]
    assert read(sparing, f"the {word} cat") == ["the", "?", "cat"]


def test_a_real_word_is_spelt_by_its_own_letters(sparing: Prelude) -> None:
    plain = text.fit(TEXTS, 100, 16, 30)
    [found, alone] = [
        it.tokens({"text": np.array(["terribly"], dtype=object)}).batch(np.arange(1))[1][0].tolist()
        for it in (sparing, plain)
    ]
    assert [gram for gram in found if gram] == [gram for gram in alone if gram] != []


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([word for word in WORDS if len(word) >= 4 and word.isalpha()]), st.integers(0, 10_000))
def test_slips_are_mended_beside_a_list_of_real_words_as_without_one(
    prelude: Prelude, sparing: Prelude, word: str, seed: int
) -> None:
    slip = typos.word(word, np.random.default_rng(seed))
    if slip not in PUBLIC:
        assert read(sparing, slip) == read(prelude, slip)


def test_a_slip_of_the_first_letter_is_no_real_word_and_none_is_found_by_it(sparing: Prelude) -> None:
    assert read(sparing, "herribly") == ["?"]
    assert read(sparing, "serrible") == ["?"]
    assert read(sparing, "aterrible") == ["?"]
    assert read(sparing, "errible") == ["?"]


def test_where_places_are_few_a_slip_of_the_most_wanted_word_keeps_its_own() -> None:
    texts = np.array(["wonderful"] * 3, dtype=object)
    full = text.fit(texts, 1, 16, 30, ("wonderfull", "wondrful"), misspellings=1)
    table = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in full.model.graph.initializer}
    assert table["limbeck/text/number_table"].tolist() == [FIRST_WORD]


def test_real_words_are_known_by_hashes_alone(sparing: Prelude) -> None:
    content = sparing.model.SerializeToString()
    assert b"wonderful" in content
    assert not [word for word in ("terribly", "wonderfuls", "bettery", "petty") if word.encode() in content]


def test_a_real_word_is_not_read_as_the_pieces_of_another() -> None:
    few = {"battery", "battre", "cat"}

    def of_few(words: Sequence[str]) -> list[list[str]]:
        return [pieces if word in few else [] for word, pieces in zip(words, split(words), strict=True)]

    texts = np.array(["battery cat"] * 3, dtype=object)
    plain, sparing = (
        wordpiece.fit(texts, of_few, 200, 16, 30, public, misspellings=ROOM) for public in ((), ("batter",))
    )
    right, slip = (plain.tokens({"text": np.array([word], dtype=object)}).ids for word in ("battery", "batter"))
    assert slip.tolist() == right.tolist()
    assert sparing.tokens({"text": np.array(["batter"], dtype=object)}).ids.tolist().count(sparing.width) == 1
    assert sparing.tokens({"text": np.array(["battrey"], dtype=object)}).ids.tolist() == right.tolist()


def test_a_misspelt_word_is_read_as_the_pieces_of_the_right_one() -> None:
    fitted = wordpiece.fit(TEXTS, split, 200, 16, 30, misspellings=ROOM)
    right, slip = (fitted.tokens({"text": np.array([word], dtype=object)}).ids for word in ("battery", "battrey"))
    assert slip.tolist() == right.tolist()
    assert len(right) > 3
