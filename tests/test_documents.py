"""README is a front page, and no link of a document is dead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents import DOCUMENTS, PAGES, README, ROOT

_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_MOST_BYTES = 15_000


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them: lower case, no punctuation, hyphens for spaces."""
    text = _FENCED.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: Path) -> list[str]:
    text = _FENCED.sub("", document.read_text(encoding="utf-8"))
    return [found for pair in _LINK.findall(text) for found in pair if found]


def test_the_readme_is_a_front_page_of_at_most_15_kb() -> None:
    assert README.stat().st_size <= _MOST_BYTES


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_link_of_a_document_is_dead(document: Path) -> None:
    for link in links(document):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{document.name}: {link}"
        assert target.is_relative_to(ROOT), f"{document.name}: {link} leaves the repository"
        assert not anchor or anchor in anchors(target), f"{document.name}: {link}"


def test_the_readme_links_to_every_page_of_docs() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(README)}
    assert set(PAGES) <= linked
