"""From a recipe's student section and training rows to the prelude that the student reads through."""

from __future__ import annotations

from collections.abc import Sequence

from distill.datasets.rows import Dataset, Rows
from distill.preludes import tabular, text
from distill.preludes.prelude import Prelude
from distill.recipe import Student as Config

# An embedded number can be cut finer than one that every unit reads: 16 more take an mlp of ten columns 20 KB.
_PIECES = {"mlp": 8, "embedded": 32}


def fit(config: Config, dataset: Dataset, transfer: Rows | None = None, public: Sequence[str] = ()) -> Prelude:
    """Learn vocabulary or scales from training rows.

    `transfer`: the transfer set, which says what words are worth a place. `public`: words that are nobody's secret.

    Raises:
        DataError: a text vocabulary would be empty.
    """
    if dataset.task == "text":
        texts = dataset.train.columns["text"]
        wanted = None if transfer is None else transfer.columns["text"]
        return text.fit(texts, config.vocabulary, config.buckets, config.max_tokens, public, wanted)
    return tabular.fit(dataset.inputs, dataset.train.columns, _PIECES[str(config.kind)])
