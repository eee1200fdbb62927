"""Files of rows, as people and programs write them."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from distill.data.load import load
from distill.data.rows import Dataset
from distill.modalities import register
from distill.recipe.schema import Data


def csv_text(header: Sequence[object], rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def mails(count: int = 40) -> list[tuple[str, str]]:
    """Texts that need quotes, half of them spam, and no two alike."""
    return [
        (f'Dear "{i}",\n{i} | café; £5\t<b>now</b> 😀 ' + _letters(i, 97 * i + 60), ("ham", "spam")[i % 2])
        for i in range(count)
    ]


def _letters(seed: int, count: int) -> str:
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz ", k=count)).rstrip() + "."


def patients(count: int = 60) -> list[list[object]]:
    """Rows of age, colour, smoker, outcome, with holes written in several ways."""
    holes = ("", "NA", "?", "null")
    return [
        [
            holes[i % 4] if i % 7 == 0 else 20 + i * 0.5,
            holes[i % 3] if i % 11 == 0 else ("red", "green", "blue")[i % 3],
            ("True", "FALSE")[i % 2],
            ("ill", "well")[i // 2 % 2],
        ]
        for i in range(count)
    ]


PATIENT = ("age", "colour", "smoker", "outcome")


def load_bytes(folder: Path, content: bytes | str, name: str = "rows.csv", **data: object) -> Dataset:
    """Load a file with this content; `label` is the label column unless said otherwise."""
    folder.joinpath(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    source = name.rsplit(".", 1)[-1]
    return load_data(Data.model_validate({"source": source, "path": name, "label": "label"} | data), folder)


def load_data(data: Data, folder: Path = Path()) -> Dataset:
    """The rows that a data section names, read as the kind of input that they are."""
    return load(data, folder, register.of(data))


def every(dataset: Dataset, column: str) -> list[Any]:
    """A column's values over all parts."""
    return [
        value for part in (dataset.train, dataset.validation, dataset.test) for value in part.columns[column].tolist()
    ]
