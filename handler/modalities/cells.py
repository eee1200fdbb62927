"""One value of an input: the rules that it must keep, and how values become a tensor.

Messages and pointers name columns of the manifest, positions, types and limits, never a value or a key that was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from unicodedata import combining, normalize

import numpy as np

from handler.bundle.contract import Input, Limits
from handler.errors import RequestError
from handler.modalities import levelling

FLOAT32_MAX = 3.4028234663852886e38
MAX_MARKS = 256  # combining marks in a row: the Unicode stream-safe format (UAX #15) allows 30, for any writing system
LONGEST_KEY = 200  # a longer key is like no column's name
_LEAST_PLAIN = 1e-4  # from here on any language writes a fraction alike, without an exponent
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARK_PAIRS = "\u0f73\u0f75\u0f81"  # not marks themselves, but decompose into two


def cell(value: object, column: Input, limits: Limits, pointer: str) -> str | float | None:
    """Check one value of one column, the text of a text model included. `pointer` is the value's own.

    Raises:
        RequestError: 413 over a limit, 422 not what the column takes.
    """
    if column.kind == "text":
        if not isinstance(value, str):
            raise wrong_type("An input", "a string", value, pointer)
        return _word(value, limits, pointer)
    if value is None:
        return None
    if column.kind == "number":
        if isinstance(value, str) and column.notation:
            value = _number(_word(value, limits, pointer), column, pointer)
            if value is None:
                return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise wrong_type(f'Column "{column.name}"', "a number or null", value, pointer)
        if not -FLOAT32_MAX <= value <= FLOAT32_MAX:  # also false for NaN
            detail = f'Column "{column.name}" wants a finite number that 32-bit floating point can hold, or null.'
            raise RequestError(422, "out-of-range", detail, pointer)
        return float(value)
    return _levelled(_word(_category(value, column, pointer), limits, pointer), column)


def _number(text: str, column: Input, pointer: str) -> float | None:
    """A number written as training's file wrote them; None where the text says that nothing is there."""
    try:
        return _written(text, column)
    except ValueError:
        unit = f" Beside it stands {column.unit}; a JSON number is in {column.unit} too." if column.unit else ""
        detail = (
            f'Column "{column.name}" wants a number or null, found a string that is no number in the form '
            f"{column.notation}, in which the training data has them.{unit}"
        )
        raise RequestError(422, "wrong-type", detail, pointer) from None


def _written(text: str, column: Input) -> float | None:
    """A number's string by the notation of its column, None where it means "missing". ValueError: it is neither."""
    from handler.modalities import numbers  # for strings alone, so that no start pays for it

    number = numbers.read(text, column.notation, column.unit)
    if number is None and (missing := levelling.word(text)) and missing not in column.missing:
        raise ValueError("no number")
    return number


def _levelled(word: str, column: Input) -> str:
    return levelling.word(word) if column.notation == levelling.LEVELLED else word


def _category(value: object, column: Input, pointer: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return str(value)
    if isinstance(value, float) and abs(value) <= 2**53 and value.is_integer():
        return str(int(value))  # 7.0 and 7 are one number in JSON
    if isinstance(value, float) and column.notation and _LEAST_PLAIN <= abs(value) < 2**52:
        return repr(value)  # as a file of JSON has it when it is read
    raise wrong_type(f'Column "{column.name}"', "a string or null", value, pointer)


def _word(text: str, limits: Limits, pointer: str) -> str:
    if len(text) > limits.max_characters:
        detail = f"A text of {len(text)} characters is over the limit of {limits.max_characters}. Send a shorter one."
        raise RequestError(413, "too-long", detail, pointer)
    if not text.isascii():
        if _SURROGATE.search(text):
            raise RequestError(422, "not-unicode", "The text holds half of a surrogate pair.", pointer)
        if _piles_marks(text):
            raise RequestError(
                422, "too-many-marks", f"The text holds more than {MAX_MARKS} combining marks in a row.", pointer
            )
    return text


def _piles_marks(text: str) -> bool:
    """Whether a run of marks is long enough to make normalisation, quadratic in it, take seconds."""
    # Every run over the limit holds one of these samples, and ordinary text is done here.
    if not any(combining(sample) or sample in _MARK_PAIRS for sample in text[MAX_MARKS - 1 :: MAX_MARKS]):
        return False
    run = 0
    for character in text:
        run = run + 1 if combining(character) or character in _MARK_PAIRS else 0
        if run > MAX_MARKS:
            return True
    return False


def nearest(key: str, known: Iterable[str]) -> str:
    """A sentence that names the known key most like `key`; nothing where none is."""
    import difflib  # only for a request that failed, so that no start pays for it

    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(key.casefold(), folded, n=1) if len(key) <= LONGEST_KEY else []
    return f'The nearest it knows is "{folded[close[0]]}".' if close else ""


def wrong_type(what: str, wanted: str, found: object, pointer: str) -> RequestError:
    """A 422 that says what was wanted and of what type the value was."""
    return RequestError(422, "wrong-type", f"{what} wants {wanted}, found {json_type(found)}.", pointer)


def is_whole(value: object) -> bool:
    """Whether a JSON value is a whole number: 7.0 is one, as JSON has one kind of number (RFC 8259, 6)."""
    return isinstance(value, int) and not isinstance(value, bool) or isinstance(value, float) and value.is_integer()


def json_type(value: object) -> str:
    """What JSON calls the type of `value`, with its article."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    other = "a number" if isinstance(value, (int, float)) else f"a {type(value).__name__}"  # in process alone
    return names.get(type(value), other)


def tensor(column: Input, values: Sequence[object]) -> np.typing.NDArray[np.generic]:
    """Values of one column as shape [N]: a missing word is empty, a missing number NaN.

    Words are composed to NFC, and what training levelled is level: nothing changes in values that were checked.
    """
    if column.dtype == "string":
        words = ["" if value is None else normalize("NFC", _levelled(_text(value), column)) for value in values]
        return np.array(words, dtype=object)
    if column.notation:
        values = [_written(value, column) if isinstance(value, str) else value for value in values]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32)


def _text(value: object) -> str:
    """A word as JSON writes it: true and false are words too."""
    return str(value).lower() if isinstance(value, bool) else str(value)
