"""Bytes to text: byte order marks, the odd byte of an old mail, and files that are no text at all."""

from __future__ import annotations

import codecs

from distill.errors import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = (
    (b"PK\x03\x04", "an Excel or zip file", "Save it as CSV, or unpack it."),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "Save it as CSV."),
    (b"PAR1\x15", "a Parquet file", 'Set data.source = "parquet".'),
    (b"\x1f\x8b", "a gzip file", "Unpack it."),
    (b"BZh91AY&SY", "a bzip2 file", "Unpack it."),
    (b"(\xb5/\xfd", "a zstd file", "Unpack it."),
    (b"%PDF", "a PDF file", "Export its table as CSV."),
    (b"\x89PNG", "a picture", "Name a file of rows."),
    (b"SQLite format 3", "an SQLite database", "Export its table as CSV."),
)
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\v\f\r\x1a\x1b")
_MAX_CONTROL = 0.02  # share of control characters over which a file is not text
_SAMPLE = 1 << 16


def decode(content: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    """A file's text, line ends as they were, and notes on what had to be done to get it.

    It is UTF-8, or what a byte order mark says; a byte that is not UTF-8 is read as Windows-1252.

    Raises:
        DataError: not text.
    """
    for magic, what, advice in _MAGIC:
        if content.startswith(magic):
            raise DataError(f"{where} is {what}, wanted text. {advice}")
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strict(content[len(mark) :], encoding, where)
    guess = _utf16(content[:_SAMPLE])
    return _strict(content, guess, where) if guess else _strict(content, "utf-8", where)


def _utf16(sample: bytes) -> str | None:
    """UTF-16 without a mark: mostly Latin text has a zero in every other byte."""
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = sample[offset::2], sample[1 - offset :: 2]
        if len(sample) >= 8 and zeros.count(0) > 0.4 * len(zeros) and others.count(0) < 0.05 * len(others):
            return encoding
    return None


def _strict(content: bytes, encoding: str, where: str) -> tuple[str, tuple[str, ...]]:
    if encoding == "utf-8":
        sample = content[:_SAMPLE]
        control = len(sample) - len(sample.translate(None, delete=_CONTROL))
        if control > _MAX_CONTROL * len(sample) and control > 2:
            raise DataError(f"{where} looks binary ({control} control characters at its start), wanted text.")
    notes: list[str] = []
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise DataError(f"{where} opens as {encoding} but is not ({error.reason}). Save it as UTF-8.") from None
        line = content.count(b"\n", 0, error.start) + 1
        text = content.decode("utf-8", errors=_AS_WINDOWS)
        notes.append(f"{where} is not all UTF-8 (first in line {line}): the odd bytes were read as Windows-1252")
    nuls = text.count("\0")
    if nuls:
        text = text.replace("\0", "")
        notes.append(f"{nuls:,} NUL characters left out of {where}")
    return text.rstrip("\x1a"), tuple(notes)  # DOS ended a text with Control-Z


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
