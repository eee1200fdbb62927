from __future__ import annotations

import random
import time

import pytest

from distill.data.readers import code_pages
from distill.data.readers.encoding import decode
from tests.distill.data.strange_files.code_pages import SENTENCES, WRITTEN_IN

_PAGES = [(language, name) for language, name in WRITTEN_IN if name not in ("utf-16", "iso2022_jp")]


@pytest.mark.parametrize(("language", "encoding"), _PAGES)
def test_a_few_words_of_a_code_page_are_read_right_or_not_at_all(language: str, encoding: str) -> None:
    words = [word for word in " ".join(SENTENCES[language]).split() if not word.isascii()]
    for seed in range(40):
        chosen = random.Random(seed).choices(words, k=1 + seed % 5)
        written = "\n".join(chosen).encode(encoding, "ignore")
        certain = None if written.isascii() else code_pages.detect(written).certain
        assert certain is None or written.decode(certain.encoding) == written.decode(encoding)


def test_a_word_that_comes_often_is_no_more_telling_than_one_that_comes_once() -> None:
    once, often = (code_pages.detect(b"it don\x92t work\n" * copies) for copies in (1, 1000))
    assert once.certain is None
    assert once == often


def test_a_large_file_is_looked_at_in_pieces() -> None:
    lines = "\n".join(SENTENCES["Russian"]).encode("cp1251") + b"\n"
    content = b"plain text, yes\n" * 1_000_000 + lines * 100_000
    begin = time.perf_counter()
    text, notes = decode(content, "rows.csv")
    assert "cp1251" in notes[0] and "first in line 1000001" in notes[0]
    assert text.endswith("скидках на обувь\n")
    assert time.perf_counter() - begin < 30  # a second, unless everything is looked at
