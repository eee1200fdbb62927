"""Golden texts: made up, never a user's, such as preludes have stumbled over."""

from __future__ import annotations

from distill.data.rows import Rows
from handler.bundle.contract import Input, Limits

TEXTS = (
    "",
    " ",
    "ok",
    "This is the best thing that has happened to me all year, thank you!",
    "I waited two hours, nobody came, and the food was cold. Never again.",
    "The meeting is on Tuesday at 10:30 in room 4.",
    "NOT BAD AT ALL!!! :-)",
    "not good, not good at all :(",
    "Please find the invoice no. 4711 (1,250.00 EUR) attached; due in 14 days.",
    "Win a FREE prize now >>> click http://example.com/win?id=1&x=2 <<<",
    "caf\u00e9 na\u00efve co\u00f6perate",
    "cafe\u0301 nai\u0308ve coo\u0308perate",
    "\U0001f600\U0001f44d\U0001f3fd love it \u2764\ufe0f",
    "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d\u770b\uff0c\u6211\u5f88\u559c\u6b22\u3002",
    "\u3053\u306e\u6620\u753b\u306f\u9762\u767d\u304f\u306a\u3044",
    "\u0e2b\u0e19\u0e31\u0e07\u0e40\u0e23\u0e37\u0e48\u0e2d\u0e07\u0e19\u0e35\u0e49\u0e14\u0e35\u0e21\u0e32\u0e01",
    "\u042d\u0442\u043e \u0431\u044b\u043b\u043e \u0443\u0436\u0430\u0441\u043d\u043e",
    "\u0647\u0630\u0627 \u0631\u0627\u0626\u0639 \u062c\u062f\u0627",
    "<p>Some <b>markup</b> &amp; entities</p>\n\n\tand\ttabs",
    "zxqv wubbl frotz glork",
    "a" * 1000,
)
_LONG_WORD = "very good and then very bad "


def inputs(columns: tuple[Input, ...], train: Rows, limits: Limits) -> list[str]:
    """The texts, cut to what a request may send, and one as long as that. Neither columns nor rows matter to them."""
    long = (_LONG_WORD * (1 + limits.max_characters // len(_LONG_WORD)))[: limits.max_characters].rstrip()
    return [*(item[: limits.max_characters] for item in TEXTS), long]
