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
    """text: string [N] -> ids, grams and places. `width` is the number of ids in the vocabulary."""

    words: tuple[str, ...] = ()  # words[i] has id i + FIRST_WORD, or FIRST_PIECE
    surprisal: tuple[float, ...] = ()  # -log of the share of training rows that hold id i; last, an unknown word
    buckets: int = 0  # how many ids there are for runs of letters, from 1 on

    def tokens(self, columns: Mapping[str, np.typing.NDArray[np.generic]]) -> Tokens:
        """Run the graph over a column of N texts."""
        parts = [(chunk, ids.astype(np.int64), grams.astype(np.int64)) for chunk, (ids, grams, _) in self.run(columns)]
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
    """text: string [N] -> ids int64 [N,L], L <= max_tokens + 1; of the U unknown words grams [U,G] and places [U,2].

    Each row ends its words with END, so that a batch of empty strings is still one token wide; PAD follows. The id
    FIRST_WORD + len(known) is any unknown word; row by row, these are the rows of grams and of places.
    """
    unknown = FIRST_WORD + len(known)
    numbers = {word: FIRST_WORD + place for place, word in enumerate(known)}
    table = spelling_correction.fit(numbers, misspellings, real=real)
    highest = np.full(max_tokens + 1, unknown, np.int64)
    highest[-1] = END
    constants = look_up_constants(buckets, max_tokens + 1, unknown, table) | {
        "end_of_text": np.array([tokenizer.END_OF_TEXT], dtype=object),
        "highest": highest,
    }
    nodes = look_up({"": PAD, tokenizer.END_OF_TEXT: END} | numbers, unknown, table is not None, ended=True)
    return model(nodes, constants, {FEATURES: "looked_up", char_ngrams.GRAMS: "grams", char_ngrams.PLACES: "places"})


def look_up(numbers: Mapping[str, int], unknown: int, mended: bool, ended: bool = False) -> list[onnx.NodeProto]:
    """Text [N] -> local names `looked_up` [N,L], `unknown` where a word has no number, and `places` [U,2] of these.

    Also gives `grams`, the runs of letters of each of them. `mended`: whether a word without a number may take that of
    one that is spelt nearly alike. `ended`: whether END_OF_TEXT, which has a number, follows each text.
    """
    exact = "exact" if mended else "looked_up"
    places, codes = ("stranger_places", "stranger_codes") if mended else ("places", "letter_codes")
    # A text of too many words has one of them where its END belongs, which is below all words and above PAD.
    ending = [
        node("Shape", ["known"], "columns", start=1),
        node("Slice", ["highest", "start", "columns"], "highest_here"),
        node("Min", ["known", "highest_here"], exact),
    ]
    return [
        *tokenizer.nodes(ended=ended),
        node("Slice", ["words", "start", "max_words", "axis"], "kept"),
        node(
            "LabelEncoder",
            ["kept"],
            "known" if ended else exact,
            domain="ai.onnx.ml",
            keys_strings=[*numbers],
            values_int64s=[*numbers.values()],
            default_int64=unknown,
        ),
        *(ending if ended else ()),
        node("Equal", [exact, "unknown"], "is_unknown"),
        *char_ngrams.letters("kept", "is_unknown", places, codes),
        *(spelling_correction.nodes() if mended else ()),
        *char_ngrams.runs(),
    ]


def look_up_constants(
    buckets: int, max_words: int, unknown: int, table: spelling_correction.Spelling | None
) -> dict[str, np.typing.NDArray[np.generic]]:
    """What `look_up` reads beside its input, by local name."""
    return (spelling_correction.constants(table, buckets, unknown) if table else char_ngrams.constants(buckets)) | {
        "max_words": np.array([max_words], np.int64),
        "unknown": np.array(unknown, np.int64),
    }


def model(
    made: list[onnx.NodeProto],
    constants: Mapping[str, np.typing.NDArray[np.generic]],
    outputs: Mapping[str, str],
) -> onnx.ModelProto:
    """A graph from `text` through `made` to `outputs`, int64 with two dimensions: the local name of each."""
    named = {name(local): output for output, local in outputs.items()}
    symbols = {FEATURES: ["N", "L"], char_ngrams.GRAMS: ["U", "G"], char_ngrams.PLACES: ["U", "P"]}
    for one in made:
        one.input[:] = [named.get(item, item) for item in one.input]
        one.output[:] = [named.get(item, item) for item in one.output]
    values = [helper.make_tensor_value_info(output, TensorProto.INT64, symbols[output]) for output in outputs]
    return tokenizer.model(made, constants, values)


def surprisal(rows_per_word: list[int], rows: int, marks: int) -> tuple[float, ...]:
    """-log of the share of rows that hold each id, half a row added; the `marks` before carry none, a stranger most."""
    known = [-math.log((count + 0.5) / (rows + 1)) for count in rows_per_word]
    return (*[0.0] * marks, *known, -math.log(0.5 / (rows + 1)))
