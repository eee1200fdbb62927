from __future__ import annotations

from pathlib import Path

import pytest

from distill.errors import FetchError
from distill.modalities.text import word_lists


def test_a_language_gives_its_common_words_the_commonest_first(tmp_path: Path) -> None:
    words = word_lists.load("en", tmp_path)
    assert 20_000 < len(words) <= word_lists.MOST_WORDS
    assert len(set(words)) == len(words)
    assert words.index("the") < words.index("horrible") < words.index("mawkish")
    assert all(word.isalpha() and word == word.lower() and len(word) > 1 for word in words)


def test_a_file_beside_the_recipe_gives_a_word_a_line(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("Grand\n  rot\n\nrot\nx\nno. 1\n\u00fcbel\n", "utf-8-sig")
    assert word_lists.load("words.txt", tmp_path) == ("grand", "rot", "\u00fcbel")


def test_no_list_is_no_words(tmp_path: Path) -> None:
    assert word_lists.load(None, tmp_path) == ()


def test_an_unknown_list_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"'klingon', neither a file nor one of the languages .*\ben\b"):
        word_lists.load("klingon", tmp_path)


def test_a_list_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FetchError, match=r"words\.txt .*not UTF-8"):
        word_lists.load("words.txt", tmp_path)
