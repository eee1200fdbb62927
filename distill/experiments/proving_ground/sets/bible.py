"""The King James Bible: a verse -> its book, of those with `MIN_VERSES`.

Out of the package's module for the SWORD library ("zText"): a file of blocks, each a book deflated, an index of blocks
and an index of verses. Marks of words, notes and titles are taken out.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from distill.experiments.proving_ground.sets.debian_package import unpacked
from distill.experiments.proving_ground.sets.proving_set import Cells, texts

MIN_VERSES = 600  # about half of the books' verses, so that a sample has enough of each
_BLOCK = struct.Struct("<III")  # offset, bytes deflated, bytes
_VERSE = struct.Struct("<IIH")  # block, offset in it, bytes
_ASIDES = re.compile(r"<(note|title)\b.*?</\1>", re.DOTALL)
_MARKS = re.compile(r"<[^>]*>")
_BOOK = re.compile(r'osisID="(\w+)"')


def verses() -> Cells:
    """Every verse of a book that has enough.

    Raises:
        FetchError: see `debian_package.unpacked`.
    """
    module = unpacked("sword-text-kjv") / "usr/share/sword/modules/texts/ztext/engKJV2006eb"
    rows = [row for testament in ("ot", "nt") for row in _verses(module, testament)]
    counts = Counter(book for _, book in rows)
    return texts([(verse, book) for verse, book in rows if counts[book] >= MIN_VERSES])


def _verses(module: Path, testament: str) -> Iterator[tuple[str, str]]:
    index, deflated, places = ((module / f"{testament}.{end}").read_bytes() for end in ("bzs", "bzz", "bzv"))
    blocks = [zlib.decompress(deflated[at : at + size]) for at, size, _ in _BLOCK.iter_unpack(index)]
    books = [_BOOK.search(block.decode("utf-8", "replace")) for block in blocks]
    for block, at, size in _VERSE.iter_unpack(places):
        entry = blocks[block][at : at + size].decode("utf-8", "replace") if size else ""
        is_heading = "<chapter" in entry or 'type="book"' in entry
        verse = " ".join(_MARKS.sub("", _ASIDES.sub("", entry)).split())
        if (book := books[block]) and verse and not is_heading:
            yield verse, book[1]
