"""Dictionaries for spelling: one word -> its language. A word of several languages counts for the first in order."""

from __future__ import annotations

from distill.experiments.proving_ground.sets.debian_package import unpacked
from distill.experiments.proving_ground.sets.proving_set import Cells, even, texts

WORDS_A_LANGUAGE = 600
# Language -> package, file, encoding.
_LISTS = {
    "Catalan": ("wcatalan", "catalan", "utf-8"),
    "Danish": ("wdanish", "danish", "utf-8"),
    "Dutch": ("wdutch", "dutch", "utf-8"),
    "English": ("wamerican", "american-english", "utf-8"),
    "French": ("wfrench", "french", "utf-8"),
    "German": ("wngerman", "ngerman", "utf-8"),
    "Italian": ("witalian", "italian", "utf-8"),
    "Portuguese": ("wportuguese", "portuguese", "utf-8"),
    "Spanish": ("wspanish", "spanish", "utf-8"),
    "Swedish": ("wswedish", "swedish", "latin-1"),
}


def words() -> Cells:
    """As many words of each language.

    Raises:
        FetchError: see `debian_package.unpacked`.
    """
    rows = []
    for language, (package, name, encoding) in _LISTS.items():
        path = unpacked(package) / "usr" / "share" / "dict" / name
        rows += [(word.strip(), language) for word in path.read_text(encoding=encoding).splitlines() if word.strip()]
    return texts(even(rows, WORDS_A_LANGUAGE))
