"""A number as people write it, read by the notation of its column.

A file's column says which marks part thousands and which decimals (`distill.data.number_formats`); a request's string
is then read the same. Imported only when a string stands where a number is wanted. `numbers.js` of the page has the
same.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from unicodedata import decimal

from handler.modalities.levelling import visible

# What an `Input.notation` of a number says of strings.
POINT = "1234.5"  # 12.5 and 12,5 are clear; 1,234 is not, and is no number
COMMA = "1234,5"  # 1,234 is little more than one; 1.234 is not clear
ENGLISH = "1,234.5"
GERMAN = "1.234,5"
NOTATIONS = (POINT, COMMA, ENGLISH, GERMAN)
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_PLAIN = re.compile(rf"(?:\d+\.?\d*|\.\d+){_EXPONENT}", re.ASCII)
_DECIMAL_COMMA = re.compile(rf"\d*,\d+{_EXPONENT}", re.ASCII)
# The last group has three digits, and those before it three, or two in India.
COMMA_GROUPS = re.compile(rf"[1-9]\d{{0,2}}(?:(?:,\d{{3}})+|(?:,\d\d)+,\d{{3}})(?:\.\d+)?{_EXPONENT}", re.ASCII)
POINT_GROUPS = re.compile(rf"[1-9]\d{{0,2}}(?:\.\d{{3}})+(?:,\d+)?{_EXPONENT}", re.ASCII)
_OTHER_GROUPS = re.compile(rf"[1-9]\d{{0,2}}([ '’])\d{{3}}(?:\1\d{{3}})*(?:[.,]\d+)?{_EXPONENT}", re.ASCII)
CURRENCY = frozenset(
    "$ € £ ¥ ₹ ₽ ₩ ₺ ₴ ₫ ₪ ฿ ₦ US$ R$ EUR USD GBP CHF JPY CNY INR AUD CAD SEK NOK DKK PLN CZK HUF BRL RUB ZAR".split()
)
_MONEY = "|".join(sorted(map(re.escape, CURRENCY), key=len, reverse=True))
_FORM = re.compile(
    rf"""(?P<open>\()?(?P<first>[+-])?\ ?(?P<before>{_MONEY})?\ ?(?P<second>[+-])?\ ?
    (?P<body>[\d.,](?:[\d.,\ '’]*[\d.])?{_EXPONENT})
    \ ?(?P<after>{_MONEY}|[%‰°]|°[CF]|[^\W\d_]{{1,8}}(?:/[^\W\d_]{{1,4}})?[²³]?)?\ ?(?P<last>-)?
    (?P<close>\))?""",
    re.VERBOSE,
)
_SIMPLE = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)  # as nearly all are written
_CODE = re.compile(r"0\d+", re.ASCII)
# Minus signs and dashes, full-width and Arabic marks. U+2019 parts thousands as the apostrophe does.
_ASCII = {ord(mark): "-" for mark in "\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63\uff0d"} | {
    ord(mark): plain
    for mark, plain in zip("\uff0b\uff0c\uff0e\uff05\uff04\u066a\u066b\u066c\uff08\uff09", "+,.%$%.,()", strict=True)
}


class Written(NamedTuple):
    """A cell that looks like a number: its sign, the digits with their marks, and the sign or unit beside them."""

    negative: bool
    body: str
    unit: str


def written(text: str) -> Written | None:
    """Take a cell apart; None where it has not the form of a number.

    5-, (5), -$5 and $-5 are negative, as accountants and machines write it; ="5" and '5 are a spreadsheet's.
    """
    if _SIMPLE.fullmatch(text):
        return Written(text[0] == "-", text.lstrip("+-"), "")
    text = visible(text)
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip()
    text = text.removeprefix("'")
    if not text.isascii():
        text = "".join(map(_digit, text)).translate(_ASCII)
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    signs = [sign for sign in (form["first"], form["second"], form["last"]) if sign]
    brackets = (form["open"] is None, form["close"] is None)
    if len(signs) > 1 or (signs and not all(brackets)) or len(set(brackets)) > 1 or (form["before"] and form["after"]):
        return None
    unit = form["before"] or form["after"] or ""
    if unit and _CODE.fullmatch(form["body"]):
        return None  # 007A counts nothing
    return Written("-" in signs or not brackets[0], form["body"].rstrip(" "), unit)


def value(body: str, notation: str) -> float | None:
    """The digits of a number: None where they are none in this notation, or may be two."""
    marks = body.count(",") + body.count(".")
    if _OTHER_GROUPS.fullmatch(body):
        return float(re.sub("[ '’]", "", body).replace(",", "."))
    if COMMA_GROUPS.fullmatch(body) and (notation == ENGLISH or marks > 1):
        return float(body.replace(",", ""))
    if POINT_GROUPS.fullmatch(body) and (notation == GERMAN or marks > 1):
        return float(body.replace(".", "").replace(",", "."))
    if _PLAIN.fullmatch(body):
        unclear = notation == COMMA and POINT_GROUPS.fullmatch(body) is not None
        return None if unclear or (notation == GERMAN and "." in body) else float(body)
    if _DECIMAL_COMMA.fullmatch(body):
        unclear = notation == POINT and COMMA_GROUPS.fullmatch(body) is not None
        return None if unclear or notation == ENGLISH else float(body.replace(",", "."))
    return None


def read(text: str, notation: str, unit: str) -> float | None:
    """A cell of a column of this notation and unit; None where it is no number there."""
    found = written(text)
    if found is None or not is_unit(found.unit, unit):
        return None
    number = value(found.body, notation)
    return number if number is None or not found.negative else -number


def is_unit(found: str, wanted: str) -> bool:
    """Whether a number with the unit `found` may stand in a column of the unit `wanted`: that one, or none."""
    return found in ("", wanted)


def _digit(mark: str) -> str:
    """A decimal digit of any writing system as ASCII."""
    number = decimal(mark, None)
    return mark if number is None else str(number)
