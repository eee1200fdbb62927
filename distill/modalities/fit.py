"""From a recipe's student section and training rows to the prelude that the student reads through."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from distill.data.rows import Dataset, Rows
from distill.errors import RecipeError
from distill.modalities.prelude import Prelude
from distill.modalities.tabular import prelude as tabular
from distill.modalities.text import prelude as text
from distill.modalities.text import wordpiece
from distill.recipe.schema import Student as Config

Split = Callable[[Sequence[str]], Sequence[Sequence[str]] | None]

# An embedded number can be cut finer than one that every unit reads: 16 more take an mlp of ten columns 20 KB.
_PIECES = {"mlp": 8, "embedded": 32}


def fit(
    config: Config,
    dataset: Dataset,
    transfer: Rows | None = None,
    public: Sequence[str] = (),
    split: Split | None = None,
) -> Prelude:
    """Learn vocabulary or scales from training rows.

    `transfer`: the transfer set, which says what words are worth a place. `public`: words that are nobody's secret.
    `split`: words -> the teacher's pieces of each, which `mini` reads.

    Raises:
        DataError: a text vocabulary would be empty.
        RecipeError: `mini` is asked for of a teacher without word pieces.
    """
    if dataset.task == "text":
        texts = dataset.train.columns["text"]
        wanted = None if transfer is None else transfer.columns["text"]
        sizes = (config.vocabulary, config.buckets, config.max_tokens)
        if config.kind == "mini":
            return wordpiece.fit(texts, _pieces_of(split), *sizes, public, wanted, config.misspellings)
        return text.fit(texts, *sizes, public, wanted, config.misspellings)
    return tabular.fit(dataset.inputs, dataset.train.columns, _PIECES[str(config.kind)])


def _pieces_of(split: Split | None) -> Callable[[Sequence[str]], Sequence[Sequence[str]]]:
    def pieces_of(words: Sequence[str]) -> Sequence[Sequence[str]]:
        found = split(words) if split else None
        if found is None:
            raise RecipeError("student.kind 'mini' reads the word pieces of a teacher, and this teacher has none.")
        return found

    return pieces_of
