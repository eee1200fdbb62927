"""BANKING77: a bank customer's question -> one of 77 intents, from a file that somebody has; its own split is kept.

Casanueva et al. 2020, "Efficient Intent Detection with Dual Sentence Encoders", arXiv:2003.04807.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from distill.errors import DataError
from distill.experiments.proving_ground.sets.proving_set import LABEL, Cells

SPLIT = "split"


def questions(path: Path) -> Cells:
    """The questions with their gold labels. `path`: a CSV file, plain or .gz, with columns split, text and label.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    try:
        content = path.read_bytes()
        lines = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8").splitlines(True)
        rows = [(row["text"], row[SPLIT], row["label"]) for row in csv.DictReader(lines)]
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise DataError(f"{path} is no CSV file with the columns {SPLIT}, text and label ({error}).") from None
    return Cells(("text", SPLIT, LABEL), rows)
