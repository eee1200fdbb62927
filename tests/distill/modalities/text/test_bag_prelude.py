"""Hashed ids of words, pairs and runs of letters, inside the graph."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.errors import DataError
from distill.modalities.prelude import FEATURES
from distill.modalities.text import bag_prelude
from distill.modalities.text.bag_batches import COUNTS, OWNERS
from distill.modalities.text.bag_prelude import HASHES, LONGEST_WORD, BagPrelude

MAX_TOKENS = 12
BUCKETS = 1 << 14
SPOKEN = ["the film was good", "caf\u00e9 na\u00efve don't", "\u8fd9\u90e8\u7535\u5f71", "\U0001f600 !"]
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@functools.cache
def unchosen() -> BagPrelude:
    return bag_prelude.of_every_hash(MAX_TOKENS)


def fitted(texts: Sequence[str], buckets: int = BUCKETS) -> BagPrelude:
    return bag_prelude.fit(np.array(texts, dtype=object), buckets, MAX_TOKENS)


@functools.cache
def session(model: bytes) -> ort.InferenceSession:
    return ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def read(texts: Sequence[str], made: BagPrelude | None = None) -> list[list[int]]:
    """The ids of each text of a batch, of one run of the graph over all of it, as a request makes it."""
    feed = {"text": np.array(list(texts), dtype=object)}
    model = (made or unchosen()).model
    ids, owners, counts = session(model.SerializeToString()).run([FEATURES, OWNERS, COUNTS], feed)
    assert owners.shape == (len(ids), 1)
    assert counts.shape == (len(texts), 1)
    assert (np.diff(owners[:, 0]) >= 0).all()
    rows = [ids[owners[:, 0] == row].tolist() for row in range(len(texts))]
    assert [len(row) for row in rows] == counts[:, 0].tolist()
    return rows


def alone(text: str) -> set[int]:
    """The ids that are the text's own, without what stands before every text."""
    [ids, [beginning]] = read([text, ""])
    return set(ids) - {beginning}


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", "\u3000\u00a0", "\ufeff\u200b", "\x00\x01"])
def test_a_batch_of_nothing_but_blank_texts_has_one_id_a_row(blank: str) -> None:
    first, second = read([blank, ""])
    assert first == second
    assert len(first) == 1


def test_a_text_is_its_words_its_pairs_and_the_runs_of_four_letters_of_its_words() -> None:
    [ids] = read(["good film"])
    # What stands before every text, and two words; a pair with each; <goo good ood> and <fil film ilm>.
    assert len(ids) == len(set(ids)) == 3 + 2 + 6


def test_words_too_short_for_a_run_have_none() -> None:
    [ids] = read(["a b"])
    assert len(ids) == 3 + 2
    [ids] = read(["an"])
    assert len(ids) == 2 + 1 + 1  # <an> itself


def test_the_order_of_words_makes_other_pairs() -> None:
    one, other = alone("good bad ugly"), alone("ugly bad good")
    assert one != other
    assert len(one - other) == len(other - one) == 3


def test_a_slip_leaves_a_word_most_of_its_runs() -> None:
    right, slip, another = alone("wonderful"), alone("wonderfull"), alone("terrible")
    assert len(right & slip) >= 6
    assert not right & another


def test_a_word_of_four_letters_is_another_id_than_its_run_and_than_a_pair_of_its_halves() -> None:
    assert len(alone("good")) == 5
    assert len(alone("go od") & alone("good")) == 0


def test_upper_and_lower_case_read_alike() -> None:
    first, second = read(["The FILM \u00c9 CAF\u00c9", "the film \u00e9 caf\u00e9"])
    assert first == second


def test_each_letter_of_a_script_without_spaces_is_a_word() -> None:
    first, second = read(["\u8fd9\u90e8\u7535\u5f71", "\u8fd9 \u90e8 \u7535 \u5f71"])
    assert first == second
    assert len(first) == 5 + 4


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(anything, min_size=1, max_size=5))
def test_any_row_is_the_same_alone_and_in_a_batch(texts: list[str]) -> None:
    for text, together in zip(texts, read(texts), strict=True):
        [by_itself] = read([text])
        assert together == by_itself
        assert by_itself
        assert all(0 <= i < HASHES for i in by_itself)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(anything, min_size=1, max_size=6), data=st.data())
def test_training_reads_any_batch_of_texts_as_the_served_graph_does(texts: list[str], data: st.DataObject) -> None:
    made = fitted(SPOKEN * 3)
    known = made.network_rows({"text": np.array(texts, dtype=object)})
    assert len(known) == len(texts)
    places = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=8))
    ids, owners, counts = known.batch(np.array(places))
    rows = [ids[owners[:, 0] == row].tolist() for row in range(len(places))]
    assert rows == read([texts[place] for place in places], made)
    assert all(0 <= i < made.width for row in rows for i in row)
    assert counts[:, 0].tolist() == [len(row) for row in rows]


def test_words_beyond_the_cut_are_not_read() -> None:
    cut, whole = read(["good " * MAX_TOKENS, "good " * MAX_TOKENS + "film"])
    assert cut == whole


def test_a_megabyte_of_one_word_beside_many_words_is_read_by_its_first_letters() -> None:
    long, many, short = read(["x" * 1_000_000, "good " * 200_000, "x" * LONGEST_WORD + "y"])
    assert len(long) == 2 + 1 + LONGEST_WORD - 1
    assert len(many) == 1 + 2 * MAX_TOKENS + 3 * MAX_TOKENS
    assert len(set(long) - set(short)) == 2  # the word itself, and its pair
    assert len(set(short) - set(long)) == 2


def test_the_graph_holds_no_word_and_hashes_alone_of_what_three_texts_hold() -> None:
    spoken = ["the film"] * 3
    private = fitted([*spoken, "the secretname", "a secretname"]).model.SerializeToString(deterministic=True)
    assert private == fitted(spoken).model.SerializeToString(deterministic=True)
    common = fitted(["the film", "secretname"] * 3).model.SerializeToString(deterministic=True)
    assert b"secretname" not in common
    assert b"film" not in common


def test_of_more_hashes_than_there_are_ids_the_commonest_have_one() -> None:
    made = fitted(["good"] * 6 + ["good film"] * 3, buckets=6)
    [beginning], good, film = read(["", "good", "film"], made)
    assert sorted(good) == [0, 1, 2, 3, 4, 5]  # what stands before every text, the word, their pair, and three runs
    assert set(film) == {beginning, 6}
    assert made.width == 7
    assert made.vocabulary_rows == 9


def test_a_text_of_strange_words_is_as_many_ids_of_none_of_them() -> None:
    made = fitted(["the film"] * 3)
    [blank], strange = read(["", "zzz qqq"], made)
    assert strange.count(blank) == 1
    assert set(strange) == {blank, made.width - 1}
    assert len(strange) == len(read(["zzz qqq"])[0])


def test_how_rare_an_id_is_follows_from_its_rows_and_a_strange_one_is_the_rarest() -> None:
    texts = ["the the film"] * 4 + ["the secretname secretname"] * 2
    made = fitted(texts)
    [beginning, the, film, *_], [_, _, secret, *_] = read(["the film", "the secretname"], made)
    assert made.surprisal[the] == made.surprisal[beginning] == pytest.approx(-math.log(6.5 / 7))
    assert made.surprisal[film] == pytest.approx(-math.log(4.5 / 7))
    assert made.surprisal[secret] == pytest.approx(-math.log(0.5 / 7))
    assert secret == made.width - 1
    assert len(made.surprisal) == made.width


def test_texts_without_a_word_in_common_are_an_error() -> None:
    with pytest.raises(DataError, match="No word occurs in 3 or more of the 4 training texts"):
        bag_prelude.fit(np.array(["", "good", " ", "film"], dtype=object), BUCKETS, MAX_TOKENS)


def test_a_table_of_one_id_is_a_table() -> None:
    texts = np.array(["the film was good"] * 3, dtype=object)
    assert fitted(texts.tolist(), 1).network_rows({"text": texts}).rows_per_id().tolist() == [3, 3]


@pytest.mark.parametrize("width", [1 << 16, (1 << 16) + 1])
def test_the_ids_of_large_and_small_tables_are_kept_alike(width: int) -> None:
    texts = np.array(["the film was good", "", "the film"] * 3, dtype=object)
    made = replace(fitted(texts.tolist()), width=width)
    bags = made.network_rows({"text": texts})
    assert bags.rows_per_id().max() == len(texts)
    assert bags.rows_per_id().sum() == sum(len(set(bags.batch(np.array([i]))[0].tolist())) for i in range(9))
