"""Texts, as the spine sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from distill.data.normalize import clean
from distill.data.readers.cells import Table
from distill.data.rows import Rows
from distill.errors import DataError
from distill.modalities.modality import BaselineParts, Budget, Columns, Modality, StudentKind, later
from distill.modalities.text import golden, lengths, near_duplicates, typos, word_lists
from distill.modalities.text.openapi import OPENAPI
from distill.recipe.schema import Data, Student
from handler.bundle.contract import Input

_HERE = __package__ or ""
_BUILD, _FROM_WORDS = later(_HERE, "initialization.build"), later(_HERE, "initialization.of_words")
# Copies a row, rows in the transfer set, words in the copies: a stack reads some 10,000 words a second.
_COPIES, _MOST_ROWS, _MOST_WORDS = 11, 60_000, 1_500_000
_JSON: Mapping[type, str] = MappingProxyType({dict: "a JSON object", list: "a JSON array"})
_EXAMPLES, _LONGEST_EXAMPLE, _FEWEST_WORDS = 6, 200, 4
_MANY: Any = {"many_rows": 100_000, "of_many": MappingProxyType({"batch_size": 256, "learning_rate": 3e-3})}
_SMALL_WORDS = {"vocabulary": 12_000, "buckets": 2048, "misspellings": 49_152, "embedding": 64, "bits": 4}


def _read(
    table: Table, data: Data, labels: np.typing.NDArray[np.object_]
) -> tuple[tuple[Input, ...], Columns, list[str]]:
    name = str(data.text)
    texts = np.array([clean(cell) for cell in table.column(name, "data.text")], dtype=object)
    if not any(text.strip() for text in texts):
        raise DataError(f"{table.where}, column {name!r} (data.text) is empty in every row. Name another column.")
    return (Input("text", "string", "text"),), {"text": texts}, []


def _looks_like(text: str) -> str:
    """JSON that holds texts, as a file's lines or a request's body do, and is none itself."""
    try:
        return _JSON.get(type(json.loads(text)), "") if text.lstrip()[:1] in ("{", "[") else ""
    except (ValueError, RecursionError):
        return ""


def _row_length(rows: Rows, student: Student) -> float:
    words = [min(student.max_tokens, len(str(text).split())) for text in rows.columns["text"].tolist()]
    return sum(words) / len(words)


def _default_copies(rows: int, length: float) -> int:
    return max(0, min(_COPIES, _MOST_ROWS // rows - 1, round(_MOST_WORDS / (rows * length))))


def _scramble(rows: Rows, random: np.random.Generator) -> Columns:
    def shuffled(text: str) -> str:
        return " ".join("".join(random.permutation(list(word)).tolist()) for word in text.split())

    return {"text": np.array([shuffled(str(text)) for text in rows.columns["text"]], dtype=object)}


def _page_examples(golden: Sequence[object]) -> list[object]:
    """Sentences."""
    texts = [text for text in golden if isinstance(text, str) and len(text) <= _LONGEST_EXAMPLE and "<" not in text]
    return list[object](text for text in texts if len(text.split()) >= _FEWEST_WORDS)[:_EXAMPLES]


TEXT = Modality(
    name="text",
    rows_are="texts",
    package=_HERE,
    claims=lambda data: data.text is not None,
    teacher_kinds=("stack", "encoder", "tfidf", "precomputed"),
    stack=("encoder", "tfidf"),
    # Words, as often as they are read, are for about equal times. What a transfer set has beyond a labelled one is
    # then worth more than a second look at it. A mini starts near the goal.
    students=MappingProxyType(
        {
            "conv": StudentKind(_BUILD, Budget(600, words=65_000_000, least_rows=300_000, **_MANY), _FROM_WORDS),
            "static": StudentKind(_BUILD, Budget(600, words=65_000_000, least_rows=300_000, **_MANY), _FROM_WORDS),
            "bag": StudentKind(
                later(_HERE, "bag_student.build"),
                Budget(
                    600,
                    words=20_000_000,
                    least_rows=300_000,
                    most_epochs=30,
                    **_MANY,
                    defaults={"buckets": 14_000, "learning_rate": 3e-3, "dropout": 0.7, "bits": 4},
                ),
            ),
            "gru": StudentKind(_BUILD, Budget(600, words=20_000_000, least_rows=300_000, **_MANY), _FROM_WORDS),
            "mini": StudentKind(
                later(_HERE, "mini_bert.build"),
                Budget(
                    600,
                    words=12_000_000,
                    least_rows=100_000,
                    most_epochs=4,
                    **_MANY,
                    defaults={"batch_size": 64, "learning_rate": 3e-4, "dropout": 0.1, "precision": "bfloat16"},
                ),
                later(_HERE, "initialization.of_layers"),
                teachers=("encoder",),
            ),
        }
    ),
    usual=("bag", "conv"),  # what a text is about, and what it says: neither is the better of the two on all texts
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
            "bag-64": {"kind": "bag", "buckets": 14_000, "embedding": 64, "bits": 4},
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
    compared=("bag-64", "static-64", "conv-128", "gru-192", "mini-2"),
    unused=frozenset({"student.size", "student.fit", "student.blocks", "transfer.forbid", "teacher.size"}),
    peers=("tfidf", "fasttext", "fasttext_quantised", "model2vec", "model2vec_quantised", "minilm_int8"),
    read=_read,
    is_empty=lambda columns: np.array([not text.strip() for text in columns["text"].tolist()], dtype=bool),
    near_duplicates=near_duplicates.pairs,
    notes=lengths.notes,
    row_length=_row_length,
    public_words=lambda config, base: word_lists.load(config.words, base),
    fit_prelude=later(_HERE, "preludes.fit_for"),
    network_inputs=later(_HERE, "preludes.network_inputs"),
    batches=later(_HERE, "preludes.batches"),
    augment=later(_HERE, "augment.copies"),
    default_copies=_default_copies,
    perturb=typos.rows,
    scramble=_scramble,
    scrambled="test texts with the letters of each word shuffled, against the same texts as they are",
    novelty=later(_HERE, "novelty.surprise"),
    baseline=BaselineParts(
        "TF-IDF (words and pairs)",
        later("distill.teachers", "linear_features.of_words"),
        later("distill.teachers", "linear_features.texts"),
    ),
    discloses="the vocabulary of `model.onnx` can be read by whoever has the file: every word in it",
    golden_inputs=golden.inputs,
    openapi=OPENAPI,
    page_examples=_page_examples,
    parse=lambda text, serving: text,
    blank_is_input=True,
    looks_like=_looks_like,
)
