"""What is done to texts and names outside the graph, by every client alike; for cells see `handler.modalities`."""

from __future__ import annotations

import re
import unicodedata

from handler.modalities import levelling

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """NFC, and U+FFFD for a lone surrogate, which no UTF-8 and so no graph can hold. Nothing else is touched."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", LONE_SURROGATE.sub("\ufffd", text))


def column_name(name: str) -> str:
    """A column's name as a request may have it: clean, without marks that nobody sees or space at its ends."""
    return levelling.name(clean(name))
