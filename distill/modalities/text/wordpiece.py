"""Text to the word pieces of a teacher's own tokenizer, inside the graph: exact for every word in a table of words.

The table holds words of the training rows and of a public list, each with the pieces that the tokenizer makes of it (Wu
et al., 2016, "Google's Neural Machine Translation System"). A word that it lacks is one token, spelt by its letters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto

from distill.modalities.prelude import FEATURES
from distill.modalities.text import char_ngrams, prelude, spelling_correction, tokenizer
from distill.modalities.text.prelude import END, PAD, TextPrelude
from distill.modalities.text.tokenizer import node

START = 2  # the mark that the teacher puts before a text; END is the one it puts behind it
FIRST_PIECE = 3
_MOST_PIECES = 6  # of one word; a word of more is spelt by its letters

Split = Callable[[Sequence[str]], Sequence[Sequence[str]]]


def fit(
    texts: np.typing.NDArray[np.object_],
    split: Split,
    vocabulary: int,
    buckets: int,
    max_tokens: int,
    public: Sequence[str] = (),
    transfer: np.typing.NDArray[np.object_] | None = None,
    misspellings: int = 0,
) -> TextPrelude:
    """Choose words and pieces, and build the graph.

    The `vocabulary` pieces that the words of the `transfer` set need most are kept, and the table gets every word that
    may be stored (see `prelude.fit`) and is made of them. `split`: words -> the pieces of each, none for
    a word that the tokenizer does not know. `misspellings`: as in `distill.modalities.text.prelude`.

    Raises:
        DataError: no word may be stored.
    """
    counts = tokenizer.rows_per_word(texts, max_tokens)
    seen = counts if transfer is None else tokenizer.rows_per_word(transfer, max_tokens)
    stored = prelude.storable(counts, seen, frozenset(public), len(texts))
    made = {word: tuple(of_word) for word, of_word in zip(stored, split(stored), strict=True)}
    made = {word: of_word for word, of_word in made.items() if 0 < len(of_word) <= _MOST_PIECES}
    need: Counter[str] = Counter()
    for word, of_word in made.items():
        for piece in of_word:
            need[piece] += seen[word]
    kept = sorted(need, key=lambda piece: (-need[piece], piece))[:vocabulary]
    table = {word: of_word for word, of_word in made.items() if set(kept).issuperset(of_word)}
    rows_per_piece: Counter[str] = Counter()
    for word, of_word in table.items():
        for piece in set(of_word):
            rows_per_piece[piece] += counts[word]
    return TextPrelude(
        model=graph(table, kept, buckets, max_tokens, misspellings, public),
        width=FIRST_PIECE + len(kept),
        words=tuple(kept),
        surprisal=prelude.surprisal(
            [min(rows_per_piece[piece], len(texts)) for piece in kept], len(texts), FIRST_PIECE
        ),
        buckets=buckets,
        vocabulary_rows=prelude.fewest_rows(counts[word] for word in table),
    )


def graph(
    table: Mapping[str, Sequence[str]],
    pieces: Sequence[str],
    buckets: int,
    max_tokens: int,
    misspellings: int = 0,
    real: Sequence[str] = (),
) -> onnx.ModelProto:
    """text: string [N] -> ids int64 [N,L], L <= max_tokens; of the U unknown words grams [U,G] and places [U,2].

    A row is START, the ids of its pieces, END, then PAD. Unknown words are as in the text prelude.
    """
    place = {piece: FIRST_PIECE + i for i, piece in enumerate(pieces)}
    width = FIRST_PIECE + len(pieces)
    # A word of one piece is looked up as that piece, a word of several as its row in a table of pieces, behind all ids.
    several = [word for word, of_word in table.items() if len(of_word) > 1]
    most = max((len(table[word]) for word in several), default=1)
    # Behind them, the row of an unknown word.
    rows = np.zeros((2 + len(several), most), np.uint16 if width < 1 << 16 else np.int32)
    rows[-1, 0] = width
    for row, word in enumerate(several, start=1):
        rows[row, : len(table[word])] = [place[piece] for piece in table[word]]
    numbers = {word: place[of_word[0]] for word, of_word in table.items() if len(of_word) == 1}
    numbers |= {word: width - 1 + row for row, word in enumerate(several, start=1)}
    near = spelling_correction.fit(numbers, misspellings, order=table, real=real)
    unknown = width + len(several)
    constants = prelude.look_up_constants(buckets, max_tokens, unknown, near) | {
        "zero": np.array(0, np.int64),
        "pad": np.array(PAD, np.int64),
        "unknown_piece": np.array(width, np.int64),
        "pieces_of": rows,
        "last_piece": np.array(width - 1, np.int64),
        "last": np.array([2], np.int64),
        "two_dimensions": np.array([0, -1], np.int64),
        "most_pieces": np.array(max_tokens - 2, np.int64),
        "start_of_row": np.array([[START]], np.int64),
        "end_of_row": np.array([[END]], np.int64),
        "marks": np.array([2], np.int64),
        "none": np.array([[0]], np.int64),
    }
    nodes = [
        *prelude.look_up({"": PAD} | numbers, unknown, mended=near is not None),
        # Each word, or its pieces, in 1 + most places of which the unused hold PAD.
        node("Sub", ["looked_up", "last_piece"], "row_or_less"),
        node("Max", ["row_or_less", "zero"], "row"),
        node("Gather", ["pieces_of", "row"], "small_pieces"),
        node("Cast", ["small_pieces"], "several", to=TensorProto.INT64),
        node("Greater", ["looked_up", "last_piece"], "is_several"),
        node("Where", ["is_several", "pad", "looked_up"], "one_piece"),
        node("Unsqueeze", ["one_piece", "last"], "single_column"),
        node("Concat", ["single_column", "several"], "apart", axis=2),
        node("Reshape", ["apart", "two_dimensions"], "flat_pieces"),
        # How many pieces stand before and at each place is where they go; what would go beyond the last is dropped.
        node("Greater", ["flat_pieces", "pad"], "is_piece"),
        node("Cast", ["is_piece"], "piece_flags", to=TensorProto.INT64),
        node("CumSum", ["piece_flags", "one"], "target"),
        node("LessOrEqual", ["target", "most_pieces"], "fits"),
        node("And", ["is_piece", "fits"], "is_read"),
        node("Where", ["is_read", "target", "pad"], "read_target"),
        node("Where", ["is_read", "flat_pieces", "pad"], "read_pieces"),
        node("ReduceSum", ["piece_flags", "axis"], "all_pieces", keepdims=1),
        node("Min", ["all_pieces", "most_pieces"], "count"),
        node("Add", ["count", "one"], "end_target"),
        node("Mul", ["count", "zero"], "zero_column"),
        node("Add", ["zero_column", "start_of_row"], "start_column"),
        node("Add", ["zero_column", "end_of_row"], "end_column"),
        node("Concat", ["zero_column", "read_target", "end_target"], "targets", axis=1),
        node("Concat", ["start_column", "read_pieces", "end_column"], "values", axis=1),
        node("ReduceMax", ["count"], "longest", keepdims=0),
        node("Add", ["longest", "marks"], "columns"),
        node("Shape", ["looked_up"], "rows", start=0, end=1),
        node("Concat", ["rows", "columns"], "empty_shape", axis=0),
        node("Expand", ["none", "empty_shape"], "empty"),
        node(
            "ScatterElements",
            ["empty", "targets", "values"],
            "ids",
            axis=1,
            reduction="add",  # what is dropped adds a zero to the first place
        ),
        node("Equal", ["ids", "unknown_piece"], "is_unknown_id"),
        node("NonZero", ["is_unknown_id"], "row_and_column_read"),
        node("Transpose", ["row_and_column_read"], "places_read", perm=[1, 0]),
        # Of the unknown words, those are left whose place is read.
        node("Equal", ["flat_pieces", "unknown_piece"], "is_unknown_piece"),
        node("NonZero", ["is_unknown_piece"], "row_and_column_of_piece"),
        node("Transpose", ["row_and_column_of_piece"], "places_of_piece", perm=[1, 0]),
        node("GatherND", ["is_read", "places_of_piece"], "is_word_read"),
        node("Compress", ["grams", "is_word_read"], "grams_read", axis=0),
    ]
    outputs = {FEATURES: "ids", char_ngrams.GRAMS: "grams_read", char_ngrams.PLACES: "places_read"}
    return prelude.model(nodes, constants, outputs)
