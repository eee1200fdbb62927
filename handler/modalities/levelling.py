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
# is compared. Joiners (U+200C, U+200D), forms of emoji (U+FE0F) and tags are needed by emoji and by scripts from Hebrew
# on, and nowhere else.
_UNSEEN = dict.fromkeys(
    (
        *range(0x00, 0x09), *range(0x0E, 0x1C), *range(0x7F, 0x85), *range(0x86, 0xA0),  # controls that are no space
        0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F),
        *range(0x2060, 0x2070), 0x2800, 0x3164, 0xFEFF, 0xFFA0, *range(0xFFF9, 0xFFFC), *range(0x1D173, 0x1D17B),
    )
)  # fmt: skip
_JOINED = "[\u0590-\u1dff\u2070-\U0010ffff]"
_FLAG = "[\U0001f3f4\U000e0020-\U000e007f]"  # of a region: a black flag and tags
_MAYBE = "[\u200c\u200d\ufe00-\ufe0f\U000e0000-\U000e007f]"  # marks that some writing needs
_STRAY = (
    f"(?<!{_JOINED})[\u200c\u200d]+|[\u200c\u200d]+(?!{_JOINED})"
    f"|(?<!{_JOINED})[\ufe00-\ufe0f]+|(?<!{_FLAG})[\U000e0000-\U000e007f]+"
)


def name(text: str) -> str:
    """A column's name: NFC without marks that nobody sees, without white space at its ends."""
    if not text.isascii():
        text = normalize("NFC", text).translate(_UNSEEN)
        if re.search(_MAYBE, text):
            text = re.sub(_STRAY, "", text)
        text = normalize("NFC", text)  # what stood apart may compose
    elif not text.isprintable():
        text = text.translate(_UNSEEN)
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
    while text[:1] in ("=", "'") and (inside := re.fullmatch(_AS_TEXT, text)):
        text = (inside[1] or inside[2] or "").strip()
    if len(text) <= _LONGEST and (small := text.lower()) in ("true", "false"):
        return small
    if ".0" in text and re.fullmatch(_WHOLE, text) and not re.fullmatch(_THOUSANDS, text):
        text = text.partition(".")[0]
    elif not text.isascii():
        text = _ascii_number(text)
    return "0" if text == "-0" else text


def _ascii_number(text: str) -> str:
    """A whole number with a minus or digits of another kind as programs write it; any other text as it is."""
    from handler.modalities import numbers  # for such text alone, so that no start pays for it

    plain = numbers.ascii_marks(text)
    return plain if plain != text and re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", plain) else text
