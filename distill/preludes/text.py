"""Text to token ids, inside the graph: split into words, look up, spell out what is unknown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from distill.errors import DataError
from distill.preludes import grams, words
from distill.preludes.grams import GRAMS
from distill.preludes.prelude import FEATURES, Prelude
from distill.preludes.words import name, node

PAD, END = 0, 1
FIRST_WORD = 2
# A word that fewer rows hold could point at a person; it is spelt out by its letters instead of stored.
MIN_ROWS = 3


def fit(
    texts: npt.NDArray[np.object_],
    vocabulary: int,
    buckets: int,
    max_tokens: int,
    public: Sequence[str] = (),
    transfer: npt.NDArray[np.object_] | None = None,
) -> Prelude:
    """Choose the words of the vocabulary and build the graph.

    A word may enter it that stands in MIN_ROWS training texts [N], or on the list of `public` words, which are
    nobody's secret; those come first that stand in the most texts of the `transfer` set [T].

    Raises:
        DataError: no word may.
    """
    counts = words.rows_per_word(texts, max_tokens)
    ranked = _ranked(counts, transfer, max_tokens, frozenset(public))[:vocabulary]
    if not ranked:
        raise DataError(
            f"No word occurs in {MIN_ROWS} or more of the {len(texts)} training texts, so there is nothing to learn "
            "from. Check that data.text names the column that holds the text."
        )
    return Prelude(
        model=graph(ranked, buckets, max_tokens),
        width=FIRST_WORD + len(ranked),
        words=tuple(ranked),
        surprisal=_surprisal([counts[word] for word in ranked], len(texts)),
        buckets=buckets,
        vocabulary_rows=min((counts[word] for word in ranked if counts[word] >= MIN_ROWS), default=0),
    )


def _ranked(
    counts: Counter[str], transfer: npt.NDArray[np.object_] | None, max_tokens: int, public: frozenset[str]
) -> list[str]:
    """The words that may be stored, by falling number of transfer texts that hold them."""
    seen = counts if transfer is None else words.rows_per_word(transfer, max_tokens)
    allowed = (word for word in seen if counts[word] >= MIN_ROWS or word in public)
    return sorted(allowed, key=lambda word: (-seen[word], word))


def graph(known: Sequence[str], buckets: int, max_tokens: int) -> onnx.ModelProto:
    """text: string [N] -> ids: int64 [N,L], L <= max_tokens + 1, and grams: int64 [U+1,G] of the U unknown words.

    Each row ends its words with END, so that a batch of empty strings is still one token wide; PAD follows. The ids
    from FIRST_WORD + len(known) on are unknown words, numbered through the batch: the first is row 0 of the grams.
    """
    unknown_from = FIRST_WORD + len(known)
    constants = grams.constants(buckets) | {
        "max_tokens": np.array([max_tokens], np.int64),
        "unknown": np.array(-1, np.int64),
        "pad_column": np.array([[PAD]], np.int64),
        "end": np.array(END, np.int64),
        "before_unknown": np.array(unknown_from - 1, np.int64),
        "zero": np.array(0, np.int64),
    }
    nodes = [
        *words.nodes(),
        node("Slice", ["words", "start", "max_tokens", "axis"], "kept"),
        helper.make_node(
            "LabelEncoder",
            [name("kept")],
            [name("looked_up")],
            name=name("look_up"),
            domain="ai.onnx.ml",
            keys_strings=["", *known],
            values_int64s=[PAD, *range(FIRST_WORD, unknown_from)],
            default_int64=-1,
        ),
        node("Equal", ["looked_up", "unknown"], "is_unknown"),
        *grams.nodes("kept", "is_unknown"),
        node("Cast", ["flat_unknown"], "unknown_flags", to=TensorProto.INT64),
        node("CumSum", ["unknown_flags", "zero"], "unknown_rank"),
        node("Add", ["unknown_rank", "before_unknown"], "flat_unknown_ids"),
        node("Shape", ["looked_up"], "shape"),
        node("Reshape", ["flat_unknown_ids", "shape"], "unknown_ids", allowzero=1),
        node("Where", ["is_unknown", "unknown_ids", "looked_up"], "ids"),
        # One more column of padding; then the first padding of each row becomes END.
        node("Shape", ["ids"], "rows", start=0, end=1),
        node("Concat", ["rows", "axis"], "column_shape", axis=0),
        node("Expand", ["pad_column", "column_shape"], "column"),
        node("Concat", ["ids", "column"], "padded", axis=1),
        node("Equal", ["padded", "pad"], "is_pad"),
        node("Cast", ["is_pad"], "pad_flag", to=TensorProto.INT64),
        node("CumSum", ["pad_flag", "one"], "pad_rank"),
        node("Equal", ["pad_rank", "one"], "is_first_pad"),
        helper.make_node("Where", [name("is_first_pad"), name("end"), name("padded")], [FEATURES], name=name("finish")),
        helper.make_node("Identity", [name("grams")], [GRAMS], name=name("finish_grams")),
    ]
    outputs = [
        helper.make_tensor_value_info(FEATURES, TensorProto.INT64, ["N", "L"]),
        helper.make_tensor_value_info(GRAMS, TensorProto.INT64, ["U", "G"]),
    ]
    return words.model(nodes, constants, outputs)


def _surprisal(rows_per_word: list[int], rows: int) -> tuple[float, ...]:
    """-log of the share of rows that hold each id, half a row added; padding and END carry none, unknown words most."""
    known = [-math.log((count + 0.5) / (rows + 1)) for count in rows_per_word]
    return (*[0.0] * FIRST_WORD, *known, -math.log(0.5 / (rows + 1)))
