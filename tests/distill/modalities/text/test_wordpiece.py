"""Text to a teacher's word pieces, inside the graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.errors import DataError
from distill.modalities.prelude import Prelude
from distill.modalities.text import wordpiece
from distill.modalities.text.prelude import END
from distill.modalities.text.wordpiece import FIRST_PIECE, START
from tests.distill.made import WORDS, split

TEXTS = np.array([" ".join(WORDS[i : i + 6]) for i in range(len(WORDS) - 5)] * 3, dtype=object)
MAX_TOKENS = 12


@pytest.fixture(scope="module", params=[0, 1024], ids=["plain", "mending"])
def prelude(request: pytest.FixtureRequest) -> Prelude:
    return wordpiece.fit(TEXTS, split, 200, 16, MAX_TOKENS, misspellings=request.param)


def read(prelude: Prelude, *texts: str) -> list[list[str]]:
    """The tokens of each text, by their pieces; "?" is an unknown word."""
    marks = {END: "END", START: "START"}
    found = prelude.tokens({"text": np.array(texts, dtype=object)})
    names = [
        marks.get(i) or ("?" if i == prelude.width else prelude.words[i - FIRST_PIECE]) for i in found.ids.tolist()
    ]
    return [names[a:b] for a, b in zip(found.ends[:-1], found.ends[1:], strict=True)]


def test_a_known_word_becomes_the_pieces_that_the_tokenizer_makes_of_it(prelude: Prelude) -> None:
    assert read(prelude, "A great film") == [["START", "a", "gr", "##ea", "##t", "fi", "##lm", "END"]]


def test_an_unknown_word_is_one_token_spelt_by_its_letters(prelude: Prelude) -> None:
    assert read(prelude, "a zebra a") == [["START", "a", "?", "a", "END"]]
    _, grams, _ = prelude.tokens({"text": np.array(["a zebra a", "zebra"], dtype=object)}).batch(np.array([0, 1]))
    assert grams[0].tolist() == grams[1].tolist()
    assert grams[0].any()


def test_rows_of_no_word_are_their_marks_alone_beside_longer_ones(prelude: Prelude) -> None:
    assert read(prelude, "", "good", "  ") == [["START", "END"], ["START", "go", "##od", "END"], ["START", "END"]]
    assert read(prelude, "") == [["START", "END"]]


def test_what_is_beyond_the_most_tokens_is_not_read(prelude: Prelude) -> None:
    [row] = read(prelude, "good " * 50)
    assert len(row) == MAX_TOKENS
    assert row[-1] == "END"


def test_an_unknown_word_that_is_not_read_leaves_the_letters_of_the_others_alone(prelude: Prelude) -> None:
    texts = np.array(["good " * 5 + "zebra", "quokka" + " a" * 30], dtype=object)  # one has no place left for its zebra
    ids, grams, places = prelude.tokens({"text": texts}).batch(np.arange(2))
    assert places.tolist() == (ids == prelude.width).nonzero().tolist() == [[1, 1]]
    assert grams.tolist() == prelude.tokens({"text": texts[1:]}).batch(np.arange(1))[1].tolist()


def test_a_word_whose_piece_was_not_kept_is_spelt_by_its_letters() -> None:
    small = wordpiece.fit(np.array(["go go going"] * 3, dtype=object), split, 1, 16, MAX_TOKENS)
    assert small.words == ("go",)
    assert read(small, "go going") == [["START", "go", "?", "END"]]


def test_a_private_word_is_not_stored_and_a_public_one_is() -> None:
    texts = np.array(["good plot", "good plot", "good plot", "good secretword morose"], dtype=object)
    fitted = wordpiece.fit(texts, split, 200, 16, MAX_TOKENS, ("morose",))
    assert b"secretword" not in fitted.model.SerializeToString()
    assert read(fitted, "morose secretword") == [["START", "mo", "##ro", "##se", "?", "END"]]
    assert fitted.vocabulary_rows == 3


def test_a_word_that_the_tokenizer_does_not_know_is_spelt_by_its_letters() -> None:
    def knows_no_plot(words: Sequence[str]) -> list[list[str]]:
        return [[] if word == "plot" else made for word, made in zip(words, split(words), strict=True)]

    fitted = wordpiece.fit(np.array(["good plot"] * 3, dtype=object), knows_no_plot, 200, 16, MAX_TOKENS)
    assert read(fitted, "good plot") == [["START", "go", "##od", "?", "END"]]


def test_texts_without_a_word_to_store_are_an_error() -> None:
    with pytest.raises(DataError, match=r"No word occurs in 3 or more of the 2 training texts"):
        wordpiece.fit(np.array(["one", "two"], dtype=object), split, 200, 16, MAX_TOKENS)


def test_equal_texts_give_equal_graphs_in_any_order() -> None:
    one, other = (wordpiece.fit(texts, split, 200, 16, MAX_TOKENS) for texts in (TEXTS, TEXTS[::-1]))
    assert one.model.SerializeToString(deterministic=True) == other.model.SerializeToString(deterministic=True)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), min_size=1))
def test_a_text_is_read_alike_alone_and_in_a_batch(prelude: Prelude, texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode().replace("\0", "") for text in texts]
    together = read(prelude, *texts)
    assert together == [read(prelude, text)[0] for text in texts]
    assert all(row[0] == "START" and row[-1] == "END" and len(row) <= MAX_TOKENS for row in together)
