"""From a recipe's student section and training rows to the prelude that the student reads through."""

from __future__ import annotations

from distill.datasets.rows import Dataset
from distill.preludes import tabular, text
from distill.preludes.prelude import Prelude
from distill.recipe import Student as Config

# An embedded number can be cut finer than one that every unit reads: 16 more take an mlp of ten columns 20 KB.
_PIECES = {"mlp": 8, "embedded": 32}


def fit(config: Config, dataset: Dataset) -> Prelude:
    """Learn vocabulary or scales from the training rows alone.

    Raises:
        DataError: a text vocabulary would be empty.
    """
    if dataset.task == "text":
        texts = dataset.train.columns["text"]
        return text.fit(texts, config.vocabulary, config.buckets, config.max_tokens)
    return tabular.fit(dataset.inputs, dataset.train.columns, _PIECES[str(config.kind)])
