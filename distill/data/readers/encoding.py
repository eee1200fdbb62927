"""Bytes to text: byte order marks, code pages, the odd byte of an old mail, and files that are no text at all."""

from __future__ import annotations

import codecs
import re

from distill.data.readers import code_pages
from distill.data.wording import counted
from distill.errors import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\v\f\r\x1a\x1b")
_MAX_CONTROL = 0.02  # share of control characters over which a file is not text
_SAMPLE = 1 << 16
_HIGH = re.compile(rb"[\x80-\xff]+")
# UTF-8 beyond ASCII, and half of a pair of surrogates in its clothes, as some programs write them.
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_PIECES, _PIECE = 64, 2048  # of a file, as evenly spread as there are bytes beyond ASCII
_MAX_LINE = 1 << 14
_FEW = 0.2  # share of the lines beyond ASCII that may be odd in a file of UTF-8
_CHANCE = 0.02  # share of the lines in a code page that are UTF-8 too by chance


def decode(content: bytes, where: str, encoding: str | None = None) -> tuple[str, tuple[str, ...]]:
    """A file's text, line ends as they were, and notes on what had to be done to get it.

    It is `encoding` where the recipe says one. Otherwise it is what a byte order mark says, or UTF-8, in which a few
    odd bytes are read as Windows-1252; or a code page, where it is certain which.

    Raises:
        DataError: not text, not in the encoding that the recipe or the mark says, or in a code page that is not
            certain.
    """
    mark, marked = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", None))
    if encoding is not None:
        return _declared(content, mark, marked, encoding, where)
    guess = marked or _utf16(content[:_SAMPLE])
    if guess is None:
        return _unmarked(content, where)
    how = "opens as" if marked else "looks like"
    return _strict(content[len(mark) :], guess, where, f"{how} {guess} but is not", "Save it as UTF-8.")


def _declared(
    content: bytes, mark: bytes, marked: str | None, encoding: str, where: str
) -> tuple[str, tuple[str, ...]]:
    name = codecs.lookup(encoding).name
    # A mark of UTF-8 is three letters in a code page, and those letters begin no file.
    if marked is not None and not marked.startswith(name.removesuffix("-sig")):
        form = marked.removesuffix("-le").removesuffix("-be")
        raise DataError(
            f"{where} opens with the byte order mark of {form}, and data.encoding is {encoding!r}. "
            "Take data.encoding out."
        )
    advice = "Set data.encoding to another, or correct the line."
    return _strict(content[len(mark) :], marked or name, where, f"is not all {encoding} (data.encoding)", advice)


def _utf16(sample: bytes) -> str | None:
    """UTF-16 without a mark: mostly Latin text has a zero in every other byte."""
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = sample[offset::2], sample[1 - offset :: 2]
        if len(sample) >= 8 and zeros.count(0) > 0.4 * len(zeros) and others.count(0) < 0.05 * len(others):
            return encoding
    return None


def _strict(content: bytes, encoding: str, where: str, problem: str, advice: str) -> tuple[str, tuple[str, ...]]:
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = content.count(b"\n", 0, start) + 1
        raise DataError(f"{where} {problem} (line {line}). {advice}") from None
    return _trimmed(text, where)


def _unmarked(content: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    sample = content[:_SAMPLE]
    control = len(sample) - len(sample.translate(None, delete=_CONTROL))
    if control > _MAX_CONTROL * len(sample) and control > 2:
        raise DataError(
            f"{where} looks binary ({control} control characters at its start), wanted text. "
            "Where it is text, set data.encoding, as to utf-16-le."
        )
    try:
        text, notes = _trimmed(content.decode("utf-8"), where)
    except UnicodeDecodeError as error:
        return _not_utf8(content, where, content.count(b"\n", 0, error.start) + 1)
    return (text, notes) if b"\x1b$" not in content else _escaped(content, text, notes, where)


def _not_utf8(content: bytes, where: str, first: int) -> tuple[str, tuple[str, ...]]:
    """A code page, or UTF-8 with a few odd bytes. `first`: the first line that is not UTF-8."""
    lines = [line for line in _around_high_bytes(content).split(b"\n") if _HIGH.search(line)]
    odd = [line for line in lines if _HIGH.search(_UTF8.sub(b"", line))]
    if len(odd) < _FEW * len(lines):
        return _odd_bytes(content, odd, where, first)
    if len(lines) - len(odd) > max(1, _CHANCE * len(lines)):
        raise DataError(
            f"{where} is UTF-8 in some lines and not in others (first in line {first}). "
            "Write all of it in one encoding, or set data.encoding where it is in one."
        )
    detection = code_pages.detect(b"\n".join(lines))
    if detection.certain is None:
        raise DataError(
            f"{where} is not UTF-8 (first in line {first}), and it cannot be told in which encoding it was written: "
            f"{', '.join(detection.candidates)} or another. Set data.encoding to it, or save the file as UTF-8."
        )
    name = detection.certain.encoding
    text, notes = _trimmed(content.decode(name, errors="replace"), where)
    lost = text.count("\ufffd")
    said = [
        f"{where} is not UTF-8 (first in line {first}): by its letters it is in {name}, and was read so. "
        "Where that is wrong, set data.encoding"
    ]
    if lost:
        said.append(f"{where}: {counted(lost, 'place')} for which {name} has no character, read as U+FFFD")
    return text, (*said, *notes)


def _escaped(content: bytes, text: str, notes: tuple[str, ...], where: str) -> tuple[str, tuple[str, ...]]:
    """ISO-2022-JP, which is ASCII with escapes; or, where it is not, the text as it was."""
    try:
        decoded = content.decode("iso2022_jp_ext")
    except UnicodeDecodeError:
        return text, notes
    note = f"{where} holds the escapes of ISO-2022-JP: it was read as that. Where that is wrong, set data.encoding"
    return _trimmed(decoded, where)[0], (note, *notes)


def _odd_bytes(content: bytes, odd: list[bytes], where: str, first: int) -> tuple[str, tuple[str, ...]]:
    """UTF-8 with a few lines that are not, or an error where those are the text of another code page."""
    rest = _UTF8.sub(b" ", b"\n".join(odd))
    certain = code_pages.detect(rest).certain
    if certain is not None and rest.decode(certain.encoding, "replace") != rest.decode("cp1252", "replace"):
        raise DataError(
            f"{where} is UTF-8 in most lines and {certain.encoding} in others (first in line {first}). "
            "Write all of it in one encoding."
        )
    text, notes = _trimmed(content.decode("utf-8", errors=_AS_WINDOWS), where)
    note = f"{where} is not all UTF-8 (first in line {first}): the odd bytes were read as Windows-1252"
    return text, (note, *notes)


def _around_high_bytes(content: bytes) -> bytes:
    """Lines with bytes beyond ASCII from all over a file, at most some hundred kilobytes."""
    pieces, end, step = [], 0, max(1, len(content) // _PIECES)
    for piece in range(_PIECES):
        found = _HIGH.search(content, max(end, piece * step))
        if found is None:
            break
        begin = max(end, content.rfind(b"\n", max(0, found.start() - _MAX_LINE), found.start()) + 1)
        begin = begin if found.start() - begin < _MAX_LINE else found.start()
        end = content.find(b"\n", begin + _PIECE, begin + _PIECE + _MAX_LINE)
        end = end if end >= 0 else min(len(content), begin + _PIECE)
        pieces.append(content[begin:end])
    return b"\n".join(pieces)


def _trimmed(text: str, where: str) -> tuple[str, tuple[str, ...]]:
    """Without NUL characters, and without the Control-Z with which DOS ended a text."""
    nuls = text.count("\0")
    notes = (f"{nuls:,} NUL characters left out of {where}",) if nuls else ()
    return text.replace("\0", "").rstrip("\x1a"), notes


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    odd = error.object[error.start : error.end]
    if error.object[error.start] == 0xED:  # a surrogate in UTF-8's clothes: half of a pair as some programs write it
        for form in (error.object[error.start : error.start + size] for size in (6, 3)):
            try:
                pair = form.decode("utf-8", errors="surrogatepass").encode("utf-16-le", errors="surrogatepass")
                return pair.decode("utf-16-le", errors="replace"), error.start + len(form)
            except UnicodeError:
                continue
    try:
        return odd.decode("cp1252"), error.end
    except UnicodeDecodeError:  # five bytes have no meaning there
        return odd.decode("latin-1"), error.end


_AS_WINDOWS = "limbeck-as-windows-1252"
codecs.register_error(_AS_WINDOWS, _as_windows)
