"""JSON bytes -> value, without the leniency of the standard parser.

Refused beyond RFC 8259's own grammar: NaN and Infinity, a key twice in one object, bytes that are not UTF-8, and
nesting so deep that only an attack needs it. No message quotes what was sent.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from handler.errors import RequestError

# A whole string, or one bracket. The closing quote is optional so that a missing one costs no second scan.
# Compiled (and kept by `re`) when a body first needs it, not at the start.
_TOKEN = r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]'


def loads(body: bytes, max_depth: int) -> object:
    """Read one JSON value of at most `max_depth` levels of arrays and objects.

    Raises:
        RequestError: 400, with the line and column where reading stopped, where that is known.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"is not UTF-8: it breaks at byte {error.start}. Encode it as UTF-8") from None
    if text.startswith("\ufeff"):
        raise _malformed("begins with a byte order mark (line 1, column 1). Send it as UTF-8 without one")
    if not text.strip():
        raise _malformed('is empty. Send a JSON object such as {"inputs": ...}')
    _check_depth(text, max_depth)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:  # its own message may quote a character of the body
        raise _malformed(f"is not JSON: it breaks at line {error.lineno}, column {error.colno}") from None
    except ValueError:  # Python refuses to read an integer of more than 4,300 digits
        raise _malformed("holds a number of too many digits") from None


def _check_depth(text: str, max_depth: int) -> None:
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for token in re.finditer(_TOKEN, text, re.DOTALL):
        mark = text[token.start()]
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                raise _malformed(f"nests deeper than {max_depth} levels")
        elif mark in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _malformed("holds an object with the same key twice")
    return made


def _refuse_constant(_: str) -> NoReturn:
    raise _malformed("holds NaN or Infinity, which are not JSON. Send null for a missing number")


def _malformed(what: str) -> RequestError:
    return RequestError(400, "malformed-body", f"The body {what}.")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
