from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill.data.keys import fold_of, source_of
from distill.data.rows import UNLABELLED, Rows
from distill.modalities.text import augment
from distill.modalities.text.modality import TEXT
from distill.recipe.schema import Transfer
from tests.distill import made

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PLAIN = {"replace": 0.0, "misspell": 0.0}


@pytest.fixture
def rows(empty_cache: Path) -> Rows:
    return made.opinions(60, 3)


def texts(rows: Rows) -> list[str]:
    return [str(text) for text in rows.columns["text"].tolist()]


def test_every_row_has_as_many_variants_as_were_asked_for_and_none_is_a_text_that_was_there(rows: Rows) -> None:
    copies = augment.varied(rows, (), Transfer(augment=5), {}, seed=0)
    assert len(set(texts(copies))) == len(copies) == 5 * len(rows)
    assert not set(texts(copies)) & set(texts(rows))
    assert (copies.labels == UNLABELLED).all()
    assert len(set(copies.keys.tolist())) == len(copies)


def test_variants_mix_the_words_of_any_rows_and_carry_the_key_of_their_own(empty_cache: Path) -> None:
    rows = made.text_rows([f"word{i} and{i} more{i} of{i} it{i} here{i}" for i in range(40)])
    copies = augment.varied(rows, (), Transfer(augment=4, folds=2, **PLAIN), {}, seed=0)
    own = {source_of(key): f"{place}" for place, key in enumerate(rows.keys.tolist())}
    strangers = [
        {word.lstrip("abcdefghijklmnopqrstuvwxyz") for word in text.split()} - {own[source_of(key)]}
        for text, key in zip(texts(copies), copies.keys.tolist(), strict=True)
    ]
    assert set().union(*(text.split() for text in texts(copies))) <= set(" ".join(texts(rows)).split())
    assert any(strangers) and not all(strangers)
    places = fold_of(rows, 2).tolist()
    assert any(  # a row of the other fold may lend words: copies are labelled by the teacher of all rows
        places[int(stranger)] != places[int(own[source_of(key)])]
        for found, key in zip(strangers, copies.keys.tolist(), strict=True)
        for stranger in found
    )


def test_a_word_gives_its_place_to_its_substitutes_and_keeps_its_marks_and_its_capital(empty_cache: Path) -> None:
    rows = made.text_rows([f'"Good," said number {i}.' for i in range(30)])
    config = Transfer(augment=6, replace=0.6, misspell=0)
    copies = augment.varied(rows, (), config, {"good": ["great", "fine"]}, seed=0)
    words = {word for text in texts(copies) for word in text.split()}
    assert {'"Great,"', '"Fine,"', '"Good,"'} <= words
    assert not {"great", "Great", "good"} & words


def test_misspelt_words_are_near_the_right_ones(empty_cache: Path) -> None:
    rows = made.text_rows([f"wonderful marvellous {'x' * (i % 3 + 1)}" for i in range(3)])
    copies = augment.varied(rows, (), Transfer(augment=20, replace=0, misspell=0.5), {}, seed=0)
    words = {word for text in texts(copies) for word in text.split() if len(word) > 3}
    assert len(words) > 8
    assert all(word[0] in "wm" and 8 <= len(word) <= 11 for word in words)


def test_a_second_run_makes_nothing_and_gets_the_same(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    first = augment.varied(rows, (), Transfer(augment=2), {}, seed=0)
    monkeypatch.setattr(augment, "_made", lambda *_: pytest.fail("made again"))
    again = augment.varied(rows, (), Transfer(augment=2), {}, seed=0)
    assert texts(again) == texts(first)
    assert again.keys.tolist() == first.keys.tolist()


def test_other_substitutes_make_another_transfer_set(rows: Rows) -> None:
    one = augment.varied(rows, (), Transfer(augment=2), {"good": ["great"]}, seed=0)
    other = augment.varied(rows, (), Transfer(augment=2), {"good": ["fine"]}, seed=0)
    assert texts(one) != texts(other)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    strange=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=8, unique=True
    )
)
def test_any_texts_can_be_varied_and_kept(empty_cache: Path, strange: list[str]) -> None:
    rows = made.text_rows(strange)
    first, again = (augment.varied(rows, (), Transfer(augment=3), {}, seed=0) for _ in range(2))
    assert texts(first) == texts(again)
    assert not set(texts(first)) & set(strange)
    assert len(first) == len(first.keys) <= 3 * len(strange)


@pytest.mark.parametrize(
    ("rows", "words", "copies"),
    [(500, 17.0, 11), (4800, 17.0, 11), (8692, 12.0, 5), (4800, 100.0, 3), (20_000, 17.0, 2), (10**6, 17.0, 0)],
)
def test_many_or_long_texts_get_fewer_copies_where_the_recipe_does_not_say(
    rows: int, words: float, copies: int
) -> None:
    assert TEXT.default_copies(rows, words) == copies
