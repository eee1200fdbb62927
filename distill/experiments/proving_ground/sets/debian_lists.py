"""Debian's own package lists: descriptions -> what a program is for, and their first lines -> the language.

Uses are the tags of Debtags (facet "use"), which volunteers give; languages are those of the translation project.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from distill import cache
from distill.data.public.debian import apt, control, packages
from distill.experiments.proving_ground.sets.proving_set import Cells, even, texts

ROWS_A_LANGUAGE = 500
MIN_ROWS_A_USE = 60
LANGUAGES = ("cs", "da", "de", "en", "es", "fr", "it", "pl", "pt_BR", "ru", "sk", "uk")
_FACET = "use::"
_FORMAT = 1  # of the kept file; another number is made anew

_Kept = dict[str, list[tuple[str, str]]]


def uses() -> Cells:
    """Whole descriptions of the packages with one use alone.

    Raises:
        FetchError: see `distill.data.public.debian.apt.fetch`.
    """
    rows = _kept()["uses"]
    counts = Counter(use for _, use in rows)
    return texts([(text, use) for text, use in rows if counts[use] >= MIN_ROWS_A_USE])


def languages() -> Cells:
    """As many synopses of each language.

    Raises:
        FetchError: see `distill.data.public.debian.apt.fetch`.
    """
    return texts(even(_kept()["languages"], ROWS_A_LANGUAGE))


def _kept() -> _Kept:
    """Rows of both sets, out of lists that are fetched once."""
    path = cache.root() / "proving-ground" / f"debian-lists-{_FORMAT}.json.gz"
    found: _Kept | None = cache.stored(path, lambda file: json.loads(gzip.decompress(file.read_bytes())))
    if found is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".apt-", dir=path.parent) as folder:
            lists = apt.fetch(Path(folder), LANGUAGES)
            long = packages.descriptions(control.of_file(lists.descriptions))
            found = {
                "uses": list(_uses(control.of_file(lists.packages), long)),
                "languages": [row for name, file in lists.translations.items() for row in _synopses(name, file)],
            }
        with cache.replacing(path) as temporary:
            temporary.write_bytes(gzip.compress(json.dumps(found).encode(), mtime=0))
    return {name: [(text, label) for text, label in rows] for name, rows in found.items()}


def _uses(stanzas: Iterable[Mapping[str, str]], long: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, str]]:
    for stanza in stanzas:
        tags = [tag.strip() for tag in stanza.get("tag", "").replace("\n", " ").split(",")]
        found = {tag.removeprefix(_FACET) for tag in tags if tag.startswith(_FACET)} - {"TODO"}
        text = long.get((stanza.get("package", ""), stanza.get("description-md5", "")), "")
        if len(found) == 1 and text:
            yield " ".join(text.replace("\n.\n", "\n").split()), found.pop()


def _synopses(language: str, path: Path) -> Iterator[tuple[str, str]]:
    """The first lines of descriptions. Some translations are no good control files, so that only these are read."""
    name = f"Description-{language}:"
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            text = line.removeprefix(name).strip()
            if line.startswith(name) and text and "<trans>" not in text:
                yield text, language
