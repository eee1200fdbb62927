"""Which prelude a kind of student reads texts through, and what it gives a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from distill.data.rows import Dataset, Rows
from distill.modalities.modality import NetworkInput, NetworkRows
from distill.modalities.text import bag_prelude, initialization, prelude, wordpiece
from distill.modalities.text.bag_prelude import BagPrelude
from distill.modalities.text.prelude import TextPrelude
from distill.recipe.schema import Student
from distill.teachers.teacher import Teacher


def fit_for(
    config: Student, dataset: Dataset, transfer: Rows | None, public: Sequence[str], teacher: Teacher | None
) -> TextPrelude | BagPrelude:
    """The prelude of one kind of student: of hashed ids, of the teacher's word pieces, or of words.

    `transfer`: the transfer set; `public`: words that may be stored.
    """
    texts = dataset.train.texts
    if config.kind == "bag":
        return bag_prelude.fit(texts, config.buckets, config.max_tokens)
    wanted = None if transfer is None else transfer.texts
    sizes = (config.vocabulary, config.buckets, config.max_tokens, public, wanted, config.misspellings)
    if config.kind == "mini":
        return wordpiece.fit(texts, lambda words: initialization.word_pieces(teacher, words), *sizes)
    return prelude.fit(texts, *sizes)


def batches(made: TextPrelude | BagPrelude, rows: Rows) -> NetworkRows:
    """Rows as a network reads them."""
    return made.network_rows(rows.columns)


def network_inputs(made: TextPrelude | BagPrelude) -> Mapping[str, NetworkInput]:
    """The inputs of a network that reads through the prelude, as the export sees them."""
    return made.network_inputs()
