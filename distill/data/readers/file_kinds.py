"""What a file is, whatever it is called: the formats that people bring in place of CSV, JSON Lines or Parquet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from distill.errors import DataError

_HEAD, _TAIL = 1 << 16, 16  # bytes at the start and the end that tell
_UNPACK = "Unpack it."
_EXPORT = "Export its table as CSV."
_AS_CSV = "Save the sheet as CSV."
_CONVERT = "Write it as Parquet, which pandas, polars, DuckDB and pyarrow all do."
# The first bytes, what the file is then, and what to do.
_MAGIC = (
    (b"PARE", "a Parquet file with an encrypted footer", "Decrypt it first: Limbeck has no keys."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file", _AS_CSV),
    (b"PK\x05\x06", "an empty zip archive", "Name a file of rows."),
    (b"\x1f\x8b", "a gzip file", _UNPACK),
    (b"\x1f\x9d", "a file packed by compress", _UNPACK),
    (b"BZh", "a bzip2 file", _UNPACK),
    (b"(\xb5/\xfd", "a zstd file", _UNPACK),
    (b"\xfd7zXZ\0", "an xz file", _UNPACK),
    (b"7z\xbc\xaf'\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\x04\x22\x4d\x18", "an LZ4 file", _UNPACK),
    (b"%PDF-", "a PDF file", _EXPORT),
    (b"{\\rtf", "a rich text document", _EXPORT),
    (b"\x89PNG", "a picture", "Name a file of rows."),
    (b"\xff\xd8\xff", "a picture", "Name a file of rows."),
    (b"GIF8", "a picture", "Name a file of rows."),
    (b"SQLite format 3\0", "an SQLite database", _EXPORT),
    (b"ARROW1\0\0", "an Arrow IPC (Feather) file", _CONVERT),
    (b"FEA1", "a Feather file", _CONVERT),
    (b"\xff\xff\xff\xff", "an Arrow IPC stream", _CONVERT),
    (b"Obj\x01", "an Avro file", _CONVERT),
    (b"\x93NUMPY", "a NumPy array", _EXPORT),
    (b"\x89HDF\r\n", "an HDF5 file", _EXPORT),
    (b"MATLAB 5.0", "a MATLAB file", _EXPORT),
    (b"RDX", "an R workspace", _EXPORT),
    (b"$FL2@(#)", "an SPSS file", _EXPORT),
    (b"<stata_dta>", "a Stata file", _EXPORT),
    (b"\x7fELF", "a program", "Name a file of rows."),
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer and not the file itself", "Run git lfs pull."),
    (b"version https://hawser.github.com/spec/", "a Git LFS pointer and not the file itself", "Run git lfs pull."),
    (b"/annex/objects/", "a git-annex pointer and not the file itself", "Run git annex get."),
    (b"outs:\n- md5:", "a DVC pointer and not the file itself", "Run dvc pull."),
    (b"-- MySQL dump", "an SQL dump", _EXPORT),
    (b"--\n-- PostgreSQL database dump", "an SQL dump", _EXPORT),
)
# What a zip archive is, by a name in it.
_ZIPPED = (
    (b"xl/", "an Excel workbook", _AS_CSV),
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet", _AS_CSV),
    (b"opendocument.text", "an OpenDocument text", _EXPORT),
    (b"word/", "a Word document", _EXPORT),
    (b".numbers", "an Apple Numbers sheet", _AS_CSV),
    (b"Index/Document.iwa", "an Apple Numbers sheet", _AS_CSV),
    (b".npy", "a NumPy archive (npz)", _EXPORT),
    (b"data.pkl", "a PyTorch file", _EXPORT),
    (b"[Content_Types].xml", "an Office file", _AS_CSV),
)
_MARKUP = (
    (re.compile(rb"(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL), "an HTML page"),
    (re.compile(rb"<\?xml\b.*urn:schemas-microsoft-com:office:spreadsheet", re.DOTALL), "an Excel XML spreadsheet"),
    (re.compile(rb"<(\?xml|!doctype)\b", re.IGNORECASE), "an XML file"),
)
_HTML_ADVICE = "A download that needs a login or a licence often ends in one: download the file itself."
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_FIELD = rb"(?:[A-Z][A-Za-z0-9-]*: [^\n]*\n(?:[ \t][^\n]*\n)*)"
_MAIL = re.compile(rb"(?:From [^\n]*\n)?(?=%b*?(?:From|Received|Return-Path|Message-I[dD]): )%b{3,}" % (_FIELD, _FIELD))
_ARFF = re.compile(rb"(%[^\n]*\n|\s)*@relation\s", re.IGNORECASE)
_JSON_ARRAY = re.compile(r"\s*\[\s*[\[{\]]")
_JSON_PRETTY = re.compile(r'\s*\{[ \t\r]*\n\s*("(\\.|[^"\\])*"\s*:|\})')
_JSON_LINES = re.compile(r'\s*\{\s*"(\\.|[^"\\])*"\s*:')
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\v\f\r\x1a")
_SPACE = b" \t\r\n\xef\xbb\xbf"


@dataclass(frozen=True)
class FileKind:
    """A format in words, and what to do with a file of it."""

    name: str
    advice: str
    source: str | None = None  # the `data.source` that reads it


def ends(path: Path) -> tuple[bytes, bytes]:
    """The first and last bytes of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(max(0, path.stat().st_size - _TAIL))
            return head, file.read()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from None


def refuse_others(head: bytes, tail: bytes, source: str, where: str) -> None:
    """Refuse a file that is of a known format other than the source's.

    Raises:
        DataError: what it is, and what to do.
    """
    found = of(head, tail)
    if found is None and source == "parquet":
        found = _no_parquet(head)
    if found is not None and found.source != source:
        wanted = "Parquet" if source == "parquet" else "text"
        raise DataError(f"{where} is {found.name}, wanted {wanted}. {found.advice}")


def _no_parquet(head: bytes) -> FileKind:
    if not head:
        return FileKind("empty", "Fetch it again.")
    text = not head.startswith(b"PAR1") and len(head.translate(None, delete=_CONTROL)) == len(head)
    if not text:
        return FileKind("not Parquet, or is damaged", "Set data.source to what it is.")
    jsonl = _JSON_LINES.match(head.decode("latin-1"))
    return FileKind("text", f'Set data.source = "{"jsonl" if jsonl else "csv"}".')


def of(head: bytes, tail: bytes) -> FileKind | None:
    """What a file is by its first and last bytes; None where it is text, or unknown."""
    if head.startswith(b"PAR1") and (tail.endswith(b"PAR1") or head[4:5] < b" "):
        return FileKind("a Parquet file", 'Set data.source = "parquet".', "parquet")
    known = next((FileKind(name, advice) for magic, name, advice in _MAGIC if head.startswith(magic)), None)
    return known or _zipped(head) or _structured(head, tail) or _text(head.lstrip(_SPACE))


def refuse_json(text: str, source: str, where: str) -> None:
    """Refuse text that is JSON in another form than one object a line; and that one too, where CSV is wanted.

    Raises:
        DataError: which form it has, and what to do.
    """
    wanted = "CSV" if source == "csv" else "one object a line"
    then = ' and set data.source = "jsonl"' if source == "csv" else ""
    if _JSON_ARRAY.match(text) and text.rstrip().endswith("]"):
        raise DataError(
            f"{where} is one JSON array, wanted {wanted}. Write one object a line, as jq -c '.[]' does{then}."
        )
    if _JSON_PRETTY.match(text):
        raise DataError(
            f"{where} holds JSON over several lines (pretty-printed), wanted {wanted}. "
            f"Write each object on one line, as jq -c . does{then}."
        )
    if source == "csv" and _JSON_LINES.match(text):
        raise DataError(f'{where} holds JSON objects, wanted CSV. Set data.source = "jsonl".')


def _zipped(head: bytes) -> FileKind | None:
    if not head.startswith(b"PK\x03\x04"):
        return None
    inside = next((FileKind(name, advice) for part, name, advice in _ZIPPED if part in head), None)
    return inside or FileKind("a zip archive", _UNPACK)


def _structured(head: bytes, tail: bytes) -> FileKind | None:
    if head.startswith(b"ORC") and tail[-4:-1] == b"ORC":
        return FileKind("an ORC file", _CONVERT)
    if _PICKLE.match(head) and tail.endswith(b"."):
        return FileKind("a pickle", _EXPORT)
    if head[257:262] == b"ustar":
        return FileKind("a tar archive", _UNPACK)
    return FileKind("a DuckDB database", _EXPORT) if head[8:12] == b"DUCK" else None


def _text(head: bytes) -> FileKind | None:
    for form, name in _MARKUP:
        if form.match(head):
            advice = _HTML_ADVICE if name == "an HTML page" else _AS_CSV if "Excel" in name else _EXPORT
            return FileKind(name, advice)
    if _MAIL.match(head.replace(b"\r\n", b"\n")):
        return FileKind("an e-mail", "Name a file of rows, one a message.")
    return FileKind("an ARFF file", _EXPORT) if _ARFF.match(head) else None
