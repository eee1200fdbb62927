"""The documents that a reader is given: README, CONTRIBUTING and the pages of `docs/`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *PAGES]


def page(name: str) -> str:
    """The text of one page of `docs/`."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def every_text() -> str:
    """All documents, one after another."""
    return "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
