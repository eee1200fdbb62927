"""Cells made level: a cell of a training file and a value of a request go through the same functions here.

What reading a file takes off a cell (space, marks that nobody sees, another spelling of "missing", of true or of a
whole number) is taken off what a caller sends too, so that a file's own cell gets the answer of its row. The browser
page has the same in `levelling.js`.
"""

from __future__ import annotations

import re
from unicodedata import normalize

# How people and programs write "nothing here", in small letters.
HOLES = frozenset(
    {"", "na", "n/a", "n.a.", "nan", "-nan", "null", "none", "nil", "-", "--", "?", ".", "#n/a", "#na", "<na>", "nat"}
)
LEVELLED = "levelled"  # a category's `Input.notation`: its cells went through `word`
_LONGEST = 5  # of a hole, and of true and false
# Patterns that most cells need not; `re` compiles and keeps them when one does, so that no start pays for them.
_WHOLE = r"[+-]?(?:0|[1-9][0-9]*)\.0+"
_THOUSANDS = r"[+-]?[1-9][0-9]{0,2}(?:\.000)+"  # 1.000 may be a thousand
_AS_TEXT = r"""=\s?"([^"]*)"|'([-+]?[0-9.,]+)"""  # ="007" and '007: spreadsheets keep a cell from being read
# Zero-width spaces, byte order marks, soft hyphens, marks of direction: no writing system needs them inside a word that
# is compared. Joiners (U+200C, U+200D) are needed inside emoji and by scripts from Hebrew on, and nowhere else.
_UNSEEN = dict.fromkeys(
    map(ord, "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064")
) | dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069\ufeff"))
_JOINED = "[\u0590-\u1dff\u2070-\U0010ffff]"
_JOINERS = f"(?<!{_JOINED})[\u200c\u200d]+|[\u200c\u200d]+(?!{_JOINED})"


def name(text: str) -> str:
    """A column's name: NFC without marks that nobody sees, without white space at its ends."""
    if not text.isascii():
        text = normalize("NFC", text).translate(_UNSEEN)
        if "\u200c" in text or "\u200d" in text:
            text = re.sub(_JOINERS, "", text)
        text = normalize("NFC", text)  # what stood apart may compose
    return text.strip()


def visible(text: str) -> str:
    """As `name`, and one space for each run of white space."""
    return " ".join(name(text).split())


def word(text: str) -> str:
    """A category's cell: as `label` has it, and "" where it says that nothing is there."""
    text = label(text)
    return "" if len(text) <= _LONGEST and text.lower() in HOLES else text


def label(text: str) -> str:
    """A label's cell: visible, without a spreadsheet's marks of text; true and false in small letters, 7 for 7.0."""
    text = visible(text)
    if text[:1] in "='" and (inside := re.fullmatch(_AS_TEXT, text)):
        text = (inside[1] or inside[2] or "").strip()
    if len(text) <= _LONGEST and (small := text.lower()) in ("true", "false"):
        return small
    if ".0" in text and re.fullmatch(_WHOLE, text) and not re.fullmatch(_THOUSANDS, text):
        return text.partition(".")[0]
    return text
