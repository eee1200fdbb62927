"""The one thing done to text outside the graph, by every client alike."""

from __future__ import annotations

import re
import unicodedata

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """NFC, and U+FFFD for a lone surrogate, which no UTF-8 and so no graph can hold. Nothing else is touched."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", LONE_SURROGATE.sub("\ufffd", text))
