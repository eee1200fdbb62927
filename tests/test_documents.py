"""README is a front page, and no link of a document is dead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from distill.modalities.register import MODALITIES
from distill.recipe import reference
from distill.recipe.messages import sections
from distill.recipe.schema import Recipe
from distill.teachers.register import TEACHERS
from tests.documents import DOCUMENTS, PAGES, README, ROOT, every_text, page

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


def test_the_numbers_of_a_recipe_stand_on_one_page() -> None:
    assert re.findall(r"^\| `[a-z-]+`.*\d\.\d{3} \(", page("evidence"), re.MULTILINE) == []


def test_no_document_installs_limbeck_from_a_registry() -> None:
    sources = [
        path.read_text(encoding="utf-8") for room in ("distill", "infra") for path in (ROOT / room).rglob("*.py")
    ]
    assert [text for text in (every_text(), *sources) if re.search(r"pip install '?limbeck", text)] == []


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


def test_every_file_that_the_architecture_names_is_there() -> None:
    named = re.findall(r"`((?:distill|handler|infra|tests|docs)/[\w./-]*)`", page("architecture"))
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_reference_of_a_recipe_is_what_the_models_say() -> None:
    assert reference.renewed(page("recipe")) == page("recipe"), "run: make docs"


def test_the_reference_names_every_key_and_every_kind_of_teacher_and_student() -> None:
    text = page("recipe")
    assert [
        key for keys in sections(Recipe).values() for key in keys if f"`{key}`" not in text and f"[{key}]" not in text
    ] == []
    kinds = {*TEACHERS, *(kind for it in MODALITIES.values() for kind in it.students)}
    assert [kind for kind in kinds if f"`{kind}`" not in text] == []


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("rate limit", "deploy"),
        ("rollback", "releasing"),
        ("fuzz testing", "api"),
        ("event source", "api"),
        ("cold start", "performance"),
        ("what leaves the browser", "browser"),
        ("incidents", "runbook"),
        ("key rotation", "registry"),
        ("exit codes", "commands"),
        ("where do I change", "architecture"),
        ("early stopping", "recipe"),
        ("cors", "deploy"),
    ],
)
def test_a_page_is_found_by_the_fields_word(word: str, name: str) -> None:
    assert word.lower() in page(name).lower()
