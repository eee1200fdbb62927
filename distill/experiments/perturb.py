"""Test rows as a careless person would write them."""

from __future__ import annotations

import numpy as np

from distill import cache
from distill.data.rows import Rows
from distill.modalities.text import typos

MISSPELT = 0.1  # share of a row's words of four letters or more


def misspelt(rows: Rows, seed: int) -> Rows | None:
    """The rows [N] with slips in a tenth of their words; None for columns."""
    if set(rows.columns) != {"text"}:
        return None
    texts = typos.texts(rows.columns["text"].tolist(), MISSPELT, seed)
    keys = [cache.digest(str(text).encode()) for text in texts.tolist()]
    return Rows(columns={"text": texts}, labels=rows.labels, keys=np.array(keys, dtype=object))
