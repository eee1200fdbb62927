from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.data.readers import csv as csv_table
from distill.data.readers.encoding import decode
from distill.errors import DataError
from tests.distill.data.files import csv_text, every, load_bytes, mails

_CHARACTERS = st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\n\r\t,;|\"' ")
_CELLS = st.text(_CHARACTERS, max_size=30)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_mail_bodies_come_through_every_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    content = csv_text(("body", "label"), mails(), delimiter).encode(encoding)
    dataset = load_bytes(tmp_path, content, text="body")
    assert sorted(every(dataset, "text")) == sorted(text for text, _ in mails())
    assert dataset.notes == ()


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(_CELLS, _CELLS, _CELLS), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
def test_any_cells_come_back_as_they_were_written(rows: list[tuple[str, ...]], delimiter: str) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("first", "second", "third"), ("a", "b", "c"), *rows])
    table = csv_table.read(buffer.getvalue().encode(), "rows.csv", ["first", "second", "third"])
    cells = list(zip(*(table.columns[name] for name in ("first", "second", "third")), strict=True))
    assert cells[1:] == [row for row in rows if any(cell.strip() for cell in row)]


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_data_error(content: bytes) -> None:
    try:
        table = csv_table.read(content, "rows.csv")
    except DataError as error:
        assert "rows.csv" in str(error)
    else:
        assert all(len(column) == len(table) for column in table.columns.values())


@settings(max_examples=100, deadline=None)
@given(text=st.text(_CHARACTERS | st.characters(categories=["Cs"]), max_size=60))
def test_decoding_never_leaves_a_lone_surrogate(text: str) -> None:
    content = b"x" * 80 + text.encode("utf-8", errors="surrogatepass")
    text, _ = decode(content, "rows.csv")
    assert text.encode().decode() == text


def test_windows_bytes_are_read_and_noted_with_their_line(tmp_path: Path) -> None:
    rows = [("plain text here", "ham"), *((f"caf\xe9 \x80 {i}", ("ham", "spam")[i % 2]) for i in range(40))]
    content = csv_text(("body", "label"), rows).encode("latin-1")
    dataset = load_bytes(tmp_path, content, text="body")
    assert "café € 7" in every(dataset, "text")
    assert any("is not UTF-8 (first in line 3)" in note for note in dataset.notes)


def test_one_odd_byte_does_not_spoil_the_utf8_around_it(tmp_path: Path) -> None:
    content = csv_text(("body", "label"), mails()).encode() + b"na\xefve na\xc3\xafve,ham\r\n"
    assert "naïve naïve" in every(load_bytes(tmp_path, content, text="body"), "text")


def test_nuls_are_left_out_and_noted(tmp_path: Path) -> None:
    content = csv_text(("body", "label"), mails()).encode().replace(b"Dear", b"De\0ar")
    dataset = load_bytes(tmp_path, content, text="body")
    assert sorted(every(dataset, "text")) == sorted(text for text, _ in mails())
    assert any("40 NUL" in note for note in dataset.notes)


def test_text_is_composed_and_otherwise_untouched(tmp_path: Path) -> None:
    html = "  <p>Cafe\u0301&amp;&nbsp;</p>\r\n\t "
    dataset = load_bytes(tmp_path, csv_text(("body", "label"), [*mails(), (html, "ham")]), text="body")
    assert "  <p>Caf\u00e9&amp;&nbsp;</p>\r\n\t " in every(dataset, "text")


def test_a_cell_over_the_csv_modules_own_limit_is_read(tmp_path: Path) -> None:
    dataset = load_bytes(tmp_path, csv_text(("body", "label"), [*mails(), ("y" * 300_000, "ham")]), text="body")
    assert max(len(str(text)) for text in every(dataset, "text")) == 300_000


def test_backslashed_quotes_are_understood(tmp_path: Path) -> None:
    lines = "".join(f'"he said \\"no, {i}\\", twice",{"ham" if i % 2 else "spam"}\n' for i in range(40))
    dataset = load_bytes(tmp_path, "body,label\n" + lines, text="body")
    assert 'he said "no, 7", twice' in every(dataset, "text")


def test_quotes_after_a_space_are_understood(tmp_path: Path) -> None:
    lines = "".join(f'{"ham" if i % 2 else "spam"}, "one, {i}"\n' for i in range(40))
    assert "one, 7" in every(load_bytes(tmp_path, "label, body\n" + lines, text="body"), "text")


def test_excels_separator_line_is_obeyed(tmp_path: Path) -> None:
    lines = "".join(f"a,b, {i};{'ham' if i % 2 else 'spam'}\r\n" for i in range(40))
    assert "a,b, 7" in every(load_bytes(tmp_path, "sep=;\r\nbody;label\r\n" + lines, text="body"), "text")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("body,label\n", "a header and no rows"),
        ("body,label\na,b\nc\n", "line 3: 1 cell, and the header has 2"),
        ('body,label\n"a\nb",c\nd,e,f\n', "line 4: 3 cells, and the header has 2"),
        ('body,label\na,b\n"c,d\n' + "e,f\n" * 9, "line 3: a quote is opened and never closed"),
        ('body,label\na,b\n"c"d,e\n', "line 3: text follows a closing quote"),
        ("body,label,body\na,b,c\n", "more than one column named 'body'"),
        (b"PK\x03\x04\x00\x00", "a zip archive"),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
        (bytes(random.Random(0).randbytes(4000)), "looks binary"),
        (b"\xff\xfea\x00\x00\xd8b\x00", "opens as utf-16-le"),
    ],
)
def test_what_is_no_table_is_refused_with_the_place(tmp_path: Path, content: bytes | str, wanted: str) -> None:
    with pytest.raises(DataError) as caught:
        load_bytes(tmp_path, content, text="body")
    assert wanted in str(caught.value)
    assert "rows.csv" in str(caught.value)
