"""Columns as strangers write them, each cell with what reading makes of it: the file of a table that is then asked."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distill.data import column_types
from distill.data.readers import csv as csv_reader
from distill.data.rows import Dataset
from handler.bundle.contract import Input
from tests.distill.data.files import load_bytes

# Every column has 12 cells, so that one file holds them all; "unknown" is a word for a hole in the last.
COLUMNS: dict[str, tuple[str, ...]] = {
    "padded": ("open      ", "closed    ", "open\u3000", "\u00a0closed", "o pen", "o\u00a0\u00a0pen") * 2,
    "truth": ("True", "FALSE", "true", " false ", "TRUE", "n/a") * 2,
    "codes": ("7.0", "x", "", "x ", "y", "7") * 2,
    "accents": ("caf\u00e9", "cafe\u0301", "\u212bngstr\u00f6m", "A\u030angstro\u0308m", "cafe\u0301 ", "\ufeffx") * 2,
    "unseen": ("a\u200bb", "ab", "\ufeffab", "a\u00adb", "c\u200d\u200cd", "\u200ecd\u200f") * 2,
    "joined": ("👩\u200d🔬", "می\u200cخواهم", "क्\u200dष", "x\u200d", "\u200cy", "👩🔬") * 2,
    "missing": ("None", "NaN", "?", "#N/A", "word", " - ") * 2,
    "kept as text": ('="007"', "'007", "007", '="x y"', "'tis", "it's") * 2,
    "plain": ("1", "-2.5", "+3e2", " 4 ", ".5", "6.") * 2,
    "minus": ("\u22121", "\u20132.5", "3-", "(4)", "- 5", "\uff0d6") * 2,
    "decimal comma": ("1,5", "-2,25", "3", "1,29E+02", "0,5", "12,75") * 2,
    "english": ("1,234.50", "2,000", "1,25,456.00", "-1,000", "7", "12.5") * 2,
    "german": ("1.234,50", "2.000", "-1.000", "7", "12,5", "1.234.567") * 2,
    "spaced": ("1\u00a0234,5", "2 000", "1\u202f000", "12", "0,5", "1'000") * 2,
    "spreadsheet": ('="5"', "'6", "7", '="-8"', "'9.5", "10") * 2,
    "other digits": ("\uff11\uff12", "\u0661\u066b\u0665", "\u06f3", "\u0967\u0968", "5", "\U0001d7d8\U0001d7d9") * 2,
    "money": ("$5", "-$6", "$-7", "8", "$1,234.50", "($9)") * 2,
    "share": ("12 %", "13%", "-4 %", "5,5 %", "\u22126 %", "7\u00a0%") * 2,
    "weight": ("12 kg", "13kg", "1 200 kg", "-4 kg", "5,5 kg", "(6 kg)") * 2,
    "with holes": ("1", "unknown", "2", "3", "n/a", "unknown ") * 2,
}


@dataclass(frozen=True)
class Asked:
    """A file that was read: its inputs, the features [N] of each, and every row's cells as the file has them."""

    inputs: tuple[Input, ...]
    features: dict[str, np.ndarray]
    rows: tuple[dict[str, str], ...]


def csv_of(columns: dict[str, tuple[str, ...]]) -> str:
    """The columns as a file; its header has marks that nobody sees."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([f"\ufeff\ufeff {next(iter(columns))}", *list(columns)[1:]])
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue()


def read(columns: dict[str, tuple[str, ...]]) -> Asked:
    """What a run makes of such a file."""
    table = csv_reader.read(csv_of(columns).encode("utf-8"), "rows.csv", [])
    found = [column_types.read(table, name) for name in table.columns]
    cells = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Asked(tuple(column.input for column in found), {it.name: it.values for it in found}, tuple(cells))


def load(folder: Path, times: int = 5) -> Dataset:
    """The whole file, written `times` below itself with a number and a label a row, and read as a run reads it."""
    columns = {name: cells * times for name, cells in COLUMNS.items()}
    rows = range(12 * times)
    columns |= {"n": tuple(f"{7 * row % 60},5" for row in rows), "label": tuple("ny"[row % 2] for row in rows)}
    return load_bytes(folder, csv_of(columns), label="label")


def rows_of(folder: Path) -> list[dict[str, str]]:
    """The rows of the file that `load` wrote, without their labels: each cell as it stands there."""
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as file:
        return [{name: cell for name, cell in row.items() if name != "label"} for row in csv.DictReader(file)]
