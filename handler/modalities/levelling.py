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
_WHOLE = re.compile(r"[+-]?(?:0|[1-9]\d*)\.0+", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.000)+", re.ASCII)  # 1.000 may be a thousand
_AS_TEXT = re.compile(r"""=\s?"([^"]*)"|'([-+]?[\d.,]+)""")  # ="007" and '007: spreadsheets keep a cell from being read
# Zero-width spaces, byte order marks, soft hyphens, marks of direction: no writing system needs them inside a word that
# is compared. Joiners (U+200C, U+200D) are needed inside emoji and by scripts from Hebrew on, and nowhere else.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_JOINED = "[\u0590-\u1dff\u2070-\U0010ffff]"
_JOINERS = re.compile(f"(?<!{_JOINED})[\u200c\u200d]+|[\u200c\u200d]+(?!{_JOINED})")


def name(text: str) -> str:
    """A column's name: NFC without marks that nobody sees, without white space at its ends."""
    if not text.isascii():
        text = _JOINERS.sub("", _UNSEEN.sub("", normalize("NFC", text)))
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
    if text[:1] in "='" and (inside := _AS_TEXT.fullmatch(text)):
        text = (inside[1] or inside[2] or "").strip()
    if len(text) <= _LONGEST and (small := text.lower()) in ("true", "false"):
        return small
    if ".0" in text and _WHOLE.fullmatch(text) and not _THOUSANDS.fullmatch(text):
        return text.partition(".")[0]
    return text
