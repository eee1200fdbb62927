"""Files of other formats, under the name and the source of one that Limbeck reads: each is called what it is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable

import numpy as np
import pyarrow
from pyarrow import feather, ipc, orc, parquet

from tests.distill.data.strange_files.case import Case, Refused, table

_TEXT = table(("red", "blue")).encode()
_ROWS = pyarrow.table({"x": ["red", "blue"] * 30, "label": ["no", "yes"] * 30})
_LFS = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
_MAIL = (
    b"Return-Path: <a@b.example>\r\nReceived: from x\r\n\tby y\r\nSubject: rows\r\nFrom: a@b.example\r\n\r\nx,label\r\n"
)
_PRETTY = b'{\n  "x": "red",\n  "label": "no"\n}\n{\n  "x": "blue",\n  "label": "yes"\n}\n'


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 9)
    return buffer.getvalue()


def _spreadsheet() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    return buffer.getvalue()


def _written(write: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _tar(file: io.BytesIO) -> None:
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("rows.csv")
        entry.size = len(_TEXT)
        archive.addfile(entry, io.BytesIO(_TEXT))


def _stream(file: io.BytesIO) -> None:
    with ipc.new_stream(file, _ROWS.schema) as writer:
        writer.write_table(_ROWS)


def _database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table rows (x text)")
        return connection.serialize()


# What it is called, a part of the advice, and the bytes.
_FORMATS = (
    ("an Excel workbook", "Save the sheet as CSV", _zip("[Content_Types].xml", "xl/workbook.xml")),
    ("an OpenDocument spreadsheet", "Save the sheet as CSV", _spreadsheet()),
    ("a Word document", "Export its table", _zip("[Content_Types].xml", "word/document.xml")),
    ("a zip archive", "Unpack it", _zip("rows.csv")),
    ("an old Excel or Office file", "Save the sheet as CSV", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)),
    ("a gzip file", "Unpack it", gzip.compress(_TEXT)),
    ("a bzip2 file", "Unpack it", bz2.compress(_TEXT)),
    ("an xz file", "Unpack it", lzma.compress(_TEXT)),
    ("a zstd file", "Unpack it", pyarrow.compress(_TEXT, "zstd", asbytes=True)),
    ("a 7-Zip archive", "Unpack it", b"7z\xbc\xaf'\x1c\0\x04" + bytes(60)),
    ("a RAR archive", "Unpack it", b"Rar!\x1a\x07\x01\0" + bytes(60)),
    ("a tar archive", "Unpack it", _written(_tar)),
    ("a PDF file", "Export its table", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
    ("a picture", "Name a file of rows", b"\x89PNG\r\n\x1a\n" + bytes(60)),
    ("an SQLite database", "Export its table", _database()),
    ("an Arrow IPC (Feather) file", "Write it as Parquet", _written(lambda file: feather.write_feather(_ROWS, file))),
    ("a Feather file", "Write it as Parquet", _written(lambda file: feather.write_feather(_ROWS, file, version=1))),
    ("an Arrow IPC stream", "Write it as Parquet", _written(_stream)),
    ("an ORC file", "Write it as Parquet", _written(lambda file: orc.write_table(_ROWS, file))),
    ("an Avro file", "Write it as Parquet", b"Obj\x01\x04\x16avro.schema" + bytes(60)),
    ("a pickle", "Export its table", pickle.dumps({"x": ["red"] * 60})),
    ("a NumPy array", "Export its table", _written(lambda file: np.save(file, np.arange(60)))),
    ("a NumPy archive (npz)", "Export its table", _written(lambda file: np.savez(file, x=np.arange(60)))),
    ("an HDF5 file", "Export its table", b"\x89HDF\r\n\x1a\n" + bytes(60)),
    ("a Git LFS pointer and not the file itself", "Run git lfs pull", _LFS),
    ("an HTML page", "a login", b"\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"),
    ("an HTML page", "download the file itself", b"<html>\n<body>404</body></html>\n"),
    ("an XML file", "Export its table", b'\xef\xbb\xbf<?xml version="1.0"?>\n<rows><row x="red"/></rows>\n'),
    (
        "an Excel XML spreadsheet",
        "Save the sheet as CSV",
        b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>\n',
    ),
    ("an e-mail", "one a message", _MAIL),
    ("an SQL dump", "Export its table", b"-- MySQL dump 10.13\nCREATE TABLE `rows` (x text);\n"),
    ("an ARFF file", "Export its table", b"% made by Weka\n@RELATION rows\n@ATTRIBUTE x {red,blue}\n@DATA\nred\n"),
    ("a Parquet file with an encrypted footer", "Decrypt it", b"PARE" + b"\x15" * 60 + b"PARE"),
)
_PARQUET = _written(lambda file: parquet.write_table(_ROWS, file))

CASES = (
    *(
        Case(f"{name} ({index})", content, Refused((f"rows.{source} is {name}, wanted", advice)), file=f"rows.{source}")
        for index, (name, advice, content) in enumerate(_FORMATS)
        for source in ("csv", "jsonl", "parquet")
    ),
    *(
        Case("Parquet", _PARQUET, Refused(('is a Parquet file, wanted text. Set data.source = "parquet"',)), file=file)
        for file in ("rows.csv", "rows.jsonl")
    ),
    Case("JSON Lines", b'{"x": 1, "label": "a"}\n' * 9, Refused(('Set data.source = "jsonl"',))),
    Case("pretty-printed JSON", _PRETTY, Refused(("(pretty-printed), wanted CSV", 'set data.source = "jsonl"'))),
    Case("one JSON array", b'[{"x": 1}, {"x": 2}]', Refused(("is one JSON array, wanted CSV", "jq -c '.[]'"))),
    Case("pretty-printed JSON", _PRETTY, Refused(("(pretty-printed)", "jq -c .")), file="rows.jsonl"),
    Case("one JSON object", b'{\n "rows": []\n}\n', Refused(("(pretty-printed)",)), file="rows.jsonl"),
    Case("one JSON array", b'[{"x": 1}, {"x": 2}]', Refused(("is one JSON array",)), file="rows.jsonl"),
    Case("a JSON array over lines", b'[\n  {"x": 1}\n]\n', Refused(("is one JSON array",)), file="rows.jsonl"),
    Case("CSV", _TEXT, Refused(("line 1 is not JSON", "Is it CSV?")), file="rows.jsonl"),
)
