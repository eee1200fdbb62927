"""What cannot be learned from is refused here, with what was found, where, and what to do."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from distill.datasets.split import PARTS
from distill.errors import DataError

MIN_ROWS_A_CLASS = 10


def enough_rows(labels: npt.NDArray[np.object_], where: str) -> None:
    """At least two classes, each with enough labelled rows for every part of the split."""
    counts = Counter(label for label in labels if label)
    if not counts:
        raise DataError(f"{where}: no row has a label, wanted at least two classes. Fill the label column.")
    if len(counts) == 1:
        only = next(iter(counts))
        raise DataError(
            f"{where}: every labelled row has the label {only!r}, wanted at least two classes. "
            "Add rows of another class, or name another label column."
        )
    few = sorted((label, count) for label, count in counts.items() if count < MIN_ROWS_A_CLASS)
    if few:
        listed = ", ".join(f"{label!r} {count}" for label, count in few[:10])
        more = f" and {len(few) - 10} more" if len(few) > 10 else ""
        raise DataError(
            f"{where}: {len(few)} of {len(counts)} classes have fewer than {MIN_ROWS_A_CLASS} different labelled rows "
            f"({listed}{more}). Each class needs {MIN_ROWS_A_CLASS}, so that training, validation and test have it. "
            "Add rows, merge these classes, or leave their rows out."
        )


def every_part_has_every_class(labels: npt.NDArray[np.object_], part: npt.NDArray[np.object_], where: str) -> None:
    """A class that a part lacks can be neither learned nor judged there."""
    classes = sorted({label for label in labels if label})
    for wanted in PARTS:
        lacking = [label for label in classes if not ((labels == label) & (part == wanted)).any()]
        if lacking:
            listed = ", ".join(map(repr, lacking[:10]))
            raise DataError(
                f"{where}: no labelled {wanted} row of {listed}. Every class needs rows in train, validation and test: "
                "move some in the split column, or take data.split out of the recipe and Limbeck splits."
            )
