"""Text to token ids, inside the graph: split into words, look up, spell out what is unknown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from distill.errors import DataError
from distill.modalities.modality import NetworkInput
from distill.modalities.prelude import FEATURES, Prelude
from distill.modalities.text import char_ngrams, spelling_correction, token_batches, tokenizer
from distill.modalities.text.token_batches import Tokens
from distill.modalities.text.tokenizer import name, node
from distill.privacy.disclosure import MIN_ROWS

PAD, END = 0, 1
FIRST_WORD = 2


@dataclass(frozen=True)
class TextPrelude(Prelude):
    """text: string [N] -> ids and grams. `width` is the number of ids in the vocabulary."""

    words: tuple[str, ...] = ()  # words[i] has id i + FIRST_WORD, or FIRST_PIECE
    surprisal: tuple[float, ...] = ()  # -log of the share of training rows that hold id i; last, an unknown word
    buckets: int = 0  # how many ids there are for runs of letters, from 1 on

    def tokens(self, columns: Mapping[str, np.typing.NDArray[np.generic]]) -> Tokens:
        """Run the graph over a column of N texts."""
        parts = [(chunk, ids.astype(np.int64), grams.astype(np.int64)) for chunk, (ids, grams) in self.run(columns)]
        return token_batches.join(self.width, sum(len(chunk) for chunk, _, _ in parts), parts)

    def network_rows(self, columns: Mapping[str, np.typing.NDArray[np.generic]]) -> Tokens:
        """The same, as every prelude of texts calls it."""
        return self.tokens(columns)

    def network_inputs(self) -> Mapping[str, NetworkInput]:
        """What a network reads, as the export sees it."""
        return token_batches.network_inputs()


def fit(
    texts: np.typing.NDArray[np.object_],
    vocabulary: int,
    buckets: int,
    max_tokens: int,
    public: Sequence[str] = (),
    transfer: np.typing.NDArray[np.object_] | None = None,
    misspellings: int = 0,
) -> TextPrelude:
    """Choose the words of the vocabulary and build the graph.

    A word may enter it that stands in MIN_ROWS training texts [N], or on the list of `public` words, which are
    nobody's secret; those come first that stand in the most texts of the `transfer` set [T]. `misspellings`: places in
    the table that leads from an unknown word to a known one (`distill.modalities.text.spelling_correction`).

    Raises:
        DataError: no word may.
    """
    counts = tokenizer.rows_per_word(texts, max_tokens)
    seen = counts if transfer is None else tokenizer.rows_per_word(transfer, max_tokens)
    known = storable(counts, seen, frozenset(public), len(texts))[:vocabulary]
    return TextPrelude(
        model=graph(known, buckets, max_tokens, misspellings, public),
        width=FIRST_WORD + len(known),
        words=tuple(known),
        surprisal=surprisal([counts[word] for word in known], len(texts), FIRST_WORD),
        buckets=buckets,
        vocabulary_rows=fewest_rows(counts[word] for word in known),
    )


def storable(counts: Counter[str], seen: Counter[str], public: frozenset[str], rows: int) -> list[str]:
    """The words that may be stored, by falling number of transfer texts that hold them, `seen`.

    `counts`: how many of the `rows` training texts hold each word.

    Raises:
        DataError: no word may.
    """
    allowed = (word for word in seen if counts[word] >= MIN_ROWS or word in public)
    found = sorted(allowed, key=lambda word: (-seen[word], word))
    if not found:
        raise DataError(
            f"No word occurs in {MIN_ROWS} or more of the {rows} training texts, so there is nothing to learn "
            "from. Check that data.text names the column that holds the text."
        )
    return found


def fewest_rows(counts: Iterable[int]) -> int:
    """Of the stored words' training texts, the fewest, words of a public list apart; 0 if there are no others."""
    return min((count for count in counts if count >= MIN_ROWS), default=0)


def graph(
    known: Sequence[str], buckets: int, max_tokens: int, misspellings: int = 0, real: Sequence[str] = ()
) -> onnx.ModelProto:
    """text: string [N] -> ids: int64 [N,L], L <= max_tokens + 1, and grams: int64 [U+1,G] of the U unknown words.

    Each row ends its words with END, so that a batch of empty strings is still one token wide; PAD follows. The ids
    from FIRST_WORD + len(known) on are unknown words, numbered through the batch: the first is row 0 of the grams.
    """
    unknown_from = FIRST_WORD + len(known)
    numbers = {word: FIRST_WORD + place for place, word in enumerate(known)}
    table = spelling_correction.fit(numbers, misspellings, real=real)
    constants = look_up_constants(buckets, max_tokens, unknown_from, table) | {
        "pad_column": np.array([[PAD]], np.int64),
        "end": np.array(END, np.int64),
    }
    nodes = [
        *look_up(numbers, mended=table is not None),
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
    ]
    return model(nodes, constants)


def look_up(numbers: Mapping[str, int], mended: bool) -> list[onnx.NodeProto]:
    """Text [N] -> local names `looked_up` [N,L], -1 where a word has no number, the mask `is_unknown`, `unknown_ids`.

    The last numbers the unknown words through the batch. Also gives `grams`, the runs of letters of each of them.
    `mended`: whether a word without a number may take that of one that is spelt nearly alike.
    """
    exact, mask, flat, codes = (
        ("exact", "is_stranger", "flat_strangers", "stranger_codes")
        if mended
        else ("looked_up", "is_unknown", "flat_unknown", "letter_codes")
    )
    return [
        *tokenizer.nodes(),
        node("Slice", ["words", "start", "max_words", "axis"], "kept"),
        helper.make_node(
            "LabelEncoder",
            [name("kept")],
            [name(exact)],
            name=name("look_up"),
            domain="ai.onnx.ml",
            keys_strings=["", *numbers],
            values_int64s=[PAD, *numbers.values()],
            default_int64=-1,
        ),
        node("Equal", [exact, "unknown"], mask),
        *char_ngrams.letters("kept", mask, flat, codes),
        *(spelling_correction.nodes() if mended else ()),
        *char_ngrams.runs(),
        node("Cast", ["flat_unknown"], "unknown_flags", to=TensorProto.INT64),
        node("CumSum", ["unknown_flags", "zero"], "unknown_rank"),
        node("Add", ["unknown_rank", "before_unknown"], "flat_unknown_ids"),
        node("Shape", ["looked_up"], "shape"),
        node("Reshape", ["flat_unknown_ids", "shape"], "unknown_ids", allowzero=1),
    ]


def look_up_constants(
    buckets: int, max_words: int, unknown_from: int, table: spelling_correction.Spelling | None
) -> dict[str, np.typing.NDArray[np.generic]]:
    """What `look_up` reads beside its input, by local name. The first unknown word of a batch is `unknown_from`."""
    return (
        char_ngrams.constants(buckets)
        | (spelling_correction.constants(table) if table else {})
        | {
            "max_words": np.array([max_words], np.int64),
            "unknown": np.array(-1, np.int64),
            "before_unknown": np.array(unknown_from - 1, np.int64),
            "zero": np.array(0, np.int64),
        }
    )


def model(made: list[onnx.NodeProto], constants: Mapping[str, np.typing.NDArray[np.generic]]) -> onnx.ModelProto:
    """A graph from `text` through `made`, of which one makes FEATURES and another the local `grams`, to its outputs."""
    outputs = [
        helper.make_tensor_value_info(FEATURES, TensorProto.INT64, ["N", "L"]),
        helper.make_tensor_value_info(char_ngrams.GRAMS, TensorProto.INT64, ["U", "G"]),
    ]
    last = helper.make_node("Identity", [name("grams")], [char_ngrams.GRAMS], name=name("finish_grams"))
    return tokenizer.model([*made, last], constants, outputs)


def surprisal(rows_per_word: list[int], rows: int, marks: int) -> tuple[float, ...]:
    """-log of the share of rows that hold each id, half a row added; the `marks` before carry none, a stranger most."""
    known = [-math.log((count + 0.5) / (rows + 1)) for count in rows_per_word]
    return (*[0.0] * marks, *known, -math.log(0.5 / (rows + 1)))
