"""Texts, as the spine sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from distill.data.normalize import clean
from distill.data.readers.cells import Table
from distill.data.rows import Dataset, Rows
from distill.errors import DataError
from distill.modalities.modality import (
    BaselineParts,
    Budget,
    Columns,
    Floats,
    Modality,
    NetworkInput,
    NoveltyScore,
    StudentKind,
)
from distill.modalities.text import lengths, word_lists
from distill.modalities.text.openapi import OPENAPI
from distill.recipe.schema import Data, Student, Transfer
from distill.teachers.teacher import Teacher
from handler.bundle.contract import Input, Limits

if TYPE_CHECKING:
    import torch
    from sklearn.feature_extraction.text import TfidfVectorizer

    from distill.modalities.initialization import Start
    from distill.modalities.prelude import Prelude
    from distill.modalities.text.prelude import TextPrelude
    from distill.modalities.text.token_batches import TokenRows

_EMBEDDING = 96
_MAX_TERMS = 100_000  # of the baseline
_EXAMPLES, _LONGEST_EXAMPLE, _FEWEST_WORDS = 6, 200, 4
_SMALL_WORDS = {"vocabulary": 12_000, "buckets": 2048, "misspellings": 49_152, "embedding": 64, "bits": 4}


def _read(table: Table, data: Data, labels: npt.NDArray[np.object_]) -> tuple[tuple[Input, ...], Columns, list[str]]:
    name = str(data.text)
    texts = np.array([clean(cell) for cell in table.column(name, "data.text")], dtype=object)
    if not any(text.strip() for text in texts):
        raise DataError(f"{table.where}, column {name!r} (data.text) is empty in every row. Name another column.")
    return (Input("text", "string", "text"),), {"text": texts}, []


def _is_empty(columns: Columns) -> npt.NDArray[np.bool_]:
    return np.array([not text.strip() for text in columns["text"].tolist()], dtype=bool)


def _row_length(rows: Rows, student: Student) -> float:
    words = [min(student.max_tokens, len(str(text).split())) for text in rows.columns["text"].tolist()]
    return sum(words) / len(words)


def _public_words(config: Transfer, base: Path) -> tuple[str, ...]:
    return word_lists.load(config.words, base)


def _build(kind: str, width: int) -> Callable[[Student, Prelude, int, Start], torch.nn.Module]:
    def build(config: Student, prelude: Prelude, classes: int, start: Start) -> torch.nn.Module:
        from distill.modalities.text import initialization, students

        prelude = cast("TextPrelude", prelude)
        sizes = (config.embedding or _EMBEDDING, config.width or width, classes, config.dropout)
        student = students.KINDS[kind](prelude.surprisal, prelude.buckets, *sizes)
        if isinstance(start, np.ndarray):
            initialization.start_from(student, start)
        return student

    return build


def _build_mini(config: Student, prelude: Prelude, classes: int, start: Start) -> torch.nn.Module:
    from distill.modalities.text.mini_bert import MiniStudent
    from distill.teachers.layer_transfer import FirstLayers

    prelude = cast("TextPrelude", prelude)
    sizes = (config.embedding, classes, config.dropout, cast(FirstLayers, start))
    return MiniStudent(prelude.surprisal, prelude.buckets, *sizes)


def _start_from_words(config: Student, teacher: Teacher, prelude: Prelude, taught: bool) -> Start:
    from distill.modalities.text import initialization

    return initialization.of_words(config, teacher, cast("TextPrelude", prelude), taught)


def _start_from_layers(config: Student, teacher: Teacher, prelude: Prelude, taught: bool) -> Start:
    from distill.modalities.text import initialization

    return initialization.of_layers(config, teacher, cast("TextPrelude", prelude), taught)


def _fit_prelude(
    config: Student, dataset: Dataset, transfer: Rows | None, public: Sequence[str], teacher: Teacher | None
) -> TextPrelude:
    from distill.modalities.text import initialization, prelude, wordpiece

    texts = dataset.train.texts
    wanted = None if transfer is None else transfer.texts
    sizes = (config.vocabulary, config.buckets, config.max_tokens, public, wanted, config.misspellings)
    if config.kind == "mini":
        return wordpiece.fit(texts, lambda words: initialization.word_pieces(teacher, words), *sizes)
    return prelude.fit(texts, *sizes)


def _network_inputs(prelude: Prelude) -> Mapping[str, NetworkInput]:
    import torch

    from distill.modalities.prelude import FEATURES
    from distill.modalities.text.char_ngrams import GRAMS

    return {
        FEATURES: NetworkInput(torch.ones((2, 5), dtype=torch.int64), {0: "rows", 1: "tokens"}),
        GRAMS: NetworkInput(torch.ones((3, 4), dtype=torch.int64), {0: "strangers", 1: "runs"}, ("U", "G")),
    }


def _batches(prelude: Prelude, rows: Rows) -> TokenRows:
    from distill.modalities.text.token_batches import TokenRows

    return TokenRows(cast("TextPrelude", prelude).tokens(rows.columns))


def _augment(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, public: Sequence[str], seed: int
) -> Rows:
    from distill.modalities.text import augment, initialization, word_substitutes

    substitutes: Mapping[str, Sequence[str]] = {}
    if config.replace:
        known = augment.common_words(train)
        substitutes = word_substitutes.substitutes(
            known, public, lambda words: initialization.word_vectors(teacher, words)
        )
    return augment.varied(train, apart, config, substitutes, seed)


def _perturb(rows: Rows, share: float, seed: int) -> Rows:
    from distill.modalities.text import typos

    return typos.rows(rows, share, seed)


def _scramble(rows: Rows, random: np.random.Generator) -> Columns:
    def shuffled(text: str) -> str:
        return " ".join("".join(random.permutation(list(word)).tolist()) for word in text.split())

    return {"text": np.array([shuffled(str(text)) for text in rows.columns["text"]], dtype=object)}


def _novelty(
    logits: Floats, description: Floats, train: Callable[[], tuple[Floats, npt.NDArray[np.int64]]]
) -> NoveltyScore:
    from distill.modalities.text import novelty

    return novelty.surprise(logits, description)


def _baseline_features(inputs: tuple[Input, ...]) -> TfidfVectorizer:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, max_features=_MAX_TERMS, token_pattern=r"(?u)\w+|[^\w\s]"
    )


def _baseline_table(inputs: tuple[Input, ...], rows: Rows) -> npt.NDArray[np.generic]:
    return rows.columns[inputs[0].name]


def _golden_inputs(inputs: tuple[Input, ...], train: Rows, limits: Limits) -> list[object]:
    from distill.modalities.text import golden

    return list(golden.inputs(inputs, train, limits))


def _page_examples(golden: Sequence[object]) -> list[object]:
    """Sentences."""
    texts = [text for text in golden if isinstance(text, str) and len(text) <= _LONGEST_EXAMPLE and "<" not in text]
    return list[object](text for text in texts if len(text.split()) >= _FEWEST_WORDS)[:_EXAMPLES]


TEXT = Modality(
    name="text",
    rows_are="texts",
    package=__package__ or "",
    claims=lambda data: data.text is not None,
    teacher_kinds=("encoder", "precomputed"),
    # Words, as often as they are read, are for about equal times. What a transfer set has beyond a labelled one is
    # then worth more than a second look at it. A mini starts near the goal.
    students=MappingProxyType(
        {
            "conv": StudentKind(
                _build("conv", 96), Budget(600, words=65_000_000, least_rows=300_000), _start_from_words
            ),
            "static": StudentKind(
                _build("static", 128), Budget(600, words=65_000_000, least_rows=300_000), _start_from_words
            ),
            "gru": StudentKind(_build("gru", 96), Budget(600, words=20_000_000, least_rows=300_000), _start_from_words),
            "mini": StudentKind(
                _build_mini,
                Budget(
                    600,
                    words=12_000_000,
                    least_rows=100_000,
                    most_epochs=4,
                    defaults={"batch_size": 64, "learning_rate": 3e-4, "dropout": 0.1, "precision": "bfloat16"},
                ),
                _start_from_layers,
                teachers=("encoder",),
            ),
        }
    ),
    candidates=MappingProxyType(
        {
            "static-32": {
                "kind": "static",
                "width": 64,
                "vocabulary": 8000,
                "buckets": 1024,
                "misspellings": 32_768,
                "embedding": 32,
                "bits": 4,
            },
            "static-64": {"kind": "static", "width": 128} | _SMALL_WORDS,
            "conv-128": {"kind": "conv", "width": 128} | _SMALL_WORDS,
            "gru-96": {"kind": "gru", "width": 96} | _SMALL_WORDS | {"vocabulary": 10_000},
            "gru-192": {"kind": "gru", "width": 192} | _SMALL_WORDS | {"vocabulary": 10_000},
            "mini-1": {
                "kind": "mini",
                "layers": 1,
                "vocabulary": 8000,
                "buckets": 2048,
                "misspellings": 65_536,
                "embedding": 128,
                "bits": 4,
            },
            "mini-2": {
                "kind": "mini",
                "layers": 2,
                "vocabulary": 16_000,
                "buckets": 4096,
                "misspellings": 131_072,
                "bits": 4,
            },
        }
    ),  # fmt: skip
    compared=("static-64", "conv-128", "gru-192", "mini-2"),
    unused=frozenset(),
    peers=("tfidf", "fasttext", "fasttext_quantised", "model2vec", "model2vec_quantised", "minilm_int8"),
    read=_read,
    is_empty=_is_empty,
    notes=lengths.notes,
    row_length=_row_length,
    public_words=_public_words,
    fit_prelude=_fit_prelude,
    network_inputs=_network_inputs,
    batches=_batches,
    augment=_augment,
    perturb=_perturb,
    scramble=_scramble,
    scrambled="test texts with the letters of each word shuffled, against the same texts as they are",
    novelty=_novelty,
    baseline=BaselineParts("TF-IDF (words and pairs)", _baseline_features, _baseline_table),
    discloses="the vocabulary of `model.onnx` can be read by whoever has the file: every word in it",
    golden_inputs=_golden_inputs,
    openapi=OPENAPI,
    page_examples=_page_examples,
    parse=lambda text, serving: text,
    blank_is_input=True,
)
