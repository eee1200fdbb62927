"""CSV, as people make it: any of four delimiters, quotes, line breaks in cells, bytes of another age."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from distill.data.normalize import column_name
from distill.data.readers import file_kinds
from distill.data.readers.cells import Table, check_names
from distill.data.readers.encoding import decode
from distill.data.wording import counted
from distill.errors import DataError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SNIFFED_ROWS = 100
_SNIFFED_CHARACTERS = 1 << 18
_MAX_CELL = 1 << 30
_HINT = " Is the first line a header?"
_EXCEL_HINT = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)


_Records = list[tuple[int, list[str]]]  # cells with the line they begin on
_Problem = tuple[int, str]  # the line, and why the text is not a table in one dialect


def read(content: bytes, where: str, wanted: Sequence[str] = (), encoding: str | None = None) -> Table:
    """Parse a file with a header line.

    Args:
        content: the file's bytes.
        where: its name, for messages.
        wanted: column names that the recipe uses; they help to tell the delimiter.
        encoding: Python's name of it, where the recipe says one.

    Raises:
        DataError: empty, not text, without rows, a line of another width, a quote never closed.
    """
    text, odd = decode(content, where, encoding)
    hint = _EXCEL_HINT.match(text)
    text = text[hint.end() :] if hint else text
    file_kinds.refuse_json(text, "csv", where)
    delimiter = hint[1] if hint else sniff(text, wanted)
    records = _parse(text, delimiter, where, first=2 if hint else 1)
    if not records:
        raise DataError(f"{where} is empty, wanted a header line and rows.")
    header = [column_name(name) for name in records[0][1]]
    rows = records[1:]
    if not rows:
        raise DataError(f"{where} has a header and no rows. Add rows.")
    columns, notes = _columns(header, rows, where)
    lines = np.array([line for line, _ in rows], dtype=np.int64)
    return Table(where, "line", columns, lines, (*odd, *notes), hint=_HINT)


def sniff(text: str, wanted: Sequence[str] = ()) -> str:
    """The delimiter whose header holds most of the wanted names, then the one that gives rows of one width."""
    sample = text[:_SNIFFED_CHARACTERS]

    def score(delimiter: str) -> tuple[int, bool, float, int]:
        found: list[list[str]] = []
        with contextlib.suppress(csv.Error):  # the rows before it are kept
            found.extend(islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), _SNIFFED_ROWS + 1))
        rows = [row for row in found if row]
        header = [name.strip() for name in rows[0]] if rows else []
        even = sum(len(row) == len(header) for row in rows) / max(1, len(rows))
        return sum(name in header for name in wanted), len(header) > 1, even, len(header)

    return max(DELIMITERS, key=score)


def _parse(text: str, delimiter: str, where: str, first: int) -> _Records:
    """Every record with the line it begins on: plainly, then with the two habits that RFC 4180 does not know."""
    dialects: tuple[tuple[bool, dict[str, Any]], ...] = (
        (True, {}),
        ('\\"' in text, {"escapechar": "\\", "doublequote": False}),
        (f'{delimiter} "' in text, {"skipinitialspace": True}),
        (delimiter == "\t", {"quoting": csv.QUOTE_NONE}),
    )
    problems = []
    for dialect in (options for likely, options in dialects if likely):
        records, problem = _attempt(text, delimiter, first, dialect)
        if problem is None:
            return records
        problems.append(problem)
    line, reason = problems[0]
    raise DataError(
        f"{where}, line {line}: {reason}. Cells are separated by a {DELIMITERS[delimiter]}; "
        'a cell that holds one, a quote or a line break stands in double quotes, and a quote in it is doubled ("").'
    )


def _attempt(text: str, delimiter: str, first: int, dialect: dict[str, Any]) -> tuple[_Records, _Problem | None]:
    limit = csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, **dialect)
    records: _Records = []
    begins = first
    try:
        for record in reader:
            if any(cell.strip() for cell in record):  # a blank line, or one of delimiters only, is no row
                if records and len(record) != len(records[0][1]):
                    found, wanted = len(record), len(records[0][1])
                    return [], (begins, f"{counted(found, 'cell')}, and the header has {wanted}")
                records.append((begins, record))
            begins = first + reader.line_num
    except csv.Error as error:
        reason = "a quote is opened and never closed" if "end of data" in str(error) else "text follows a closing quote"
        return [], (begins, reason)
    finally:
        csv.field_size_limit(limit)
    return records, None


def _columns(header: list[str], rows: _Records, where: str) -> tuple[dict[str, Any], list[str]]:
    named = [name for name in header if name]
    check_names(named, where, _HINT)
    if not named:
        raise DataError(f"{where} has a first line without any name, wanted a header line.")
    cells = [np.array(column, dtype=object) for column in zip(*(row for _, row in rows), strict=True)]
    columns = {name: column for name, column in zip(header, cells, strict=True) if name}
    nameless = [index + 1 for index, name in enumerate(header) if not name and any(cells[index])]
    notes = [f"column {index} has no name and is left out" for index in nameless]
    if len({name.casefold() for name in named}) < len(named):
        notes.append(f"{where} has columns whose names differ only in case")
    return columns, notes
