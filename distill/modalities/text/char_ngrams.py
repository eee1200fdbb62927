"""Words outside the vocabulary as hashed runs of three letters, inside the graph.

A misspelt or inflected word shares most of its runs with the right one (Bojanowski et al., 2017, "Enriching Word
Vectors with Subword Information").
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from distill.modalities.text.tokenizer import node

GRAMS = "limbeck/grams"
RUN = 3
LONGEST_WORD = 24  # letters and the two marks around them; what is beyond is not read
# Odd multipliers under 2**30: three products of 32-bit hashes then stay within int64.
_MIX = (668_265_263, 374_761_393, 1)


def letters(words: str, unknown: str, flat: str, made: str) -> list[onnx.NodeProto]:
    """`words` [N,L] and the mask `unknown` [N,L] -> `made`: int64 [U+1,G], one row an unknown word in order.

    A row holds a hash of each letter between two marks, 0 pads; the last, of a made-up word, keeps the tensor from
    being empty. `flat` will be the mask [N*L]. All are local names.
    """
    return [
        node("Reshape", [words, "flat"], "flat_words"),
        node("Reshape", [unknown, "flat"], flat),
        node("Compress", ["flat_words", flat], "strangers", axis=0),
        node("Concat", ["strangers", "made_up"], "spelt", axis=0),
        *codes("spelt", made),
    ]


def codes(words: str, made: str) -> list[onnx.NodeProto]:
    """`words` [U] -> `made`: int64 [U,G], see `letters`."""
    return [
        node("StringConcat", ["opening", words], "opened"),
        node("StringConcat", ["opened", "closing"], "closed"),
        node(
            "Tokenizer", ["closed"], "letters", domain="com.microsoft", tokenexp=".", mincharnum=1, mark=0, pad_value=""
        ),
        node("Slice", ["letters", "start", "longest_word", "axis"], "read_letters"),
        node("MurmurHash3", ["read_letters"], "letter_hash", domain="com.microsoft", positive=1, seed=0),
        node("Cast", ["letter_hash"], made, to=TensorProto.INT64),
    ]


def runs() -> list[onnx.NodeProto]:
    """`letter_codes` [U+1,G] -> `grams`: int64 [U+1,G-2], an id a run of letters: 1 to `buckets`, 0 pads."""
    windows = [
        node("Slice", ["letter_codes", f"from_{place}", f"to_{place}", "axis"], f"letter_{place}")
        for place in range(RUN)
    ]
    products = [node("Mul", [f"letter_{place}", f"factor_{place}"], f"product_{place}") for place in range(RUN)]
    return [
        *windows,
        *products,
        node("Add", ["product_0", "product_1"], "pair"),
        node("Add", ["pair", "product_2"], "run"),
        node("Mod", ["run", "buckets"], "bucket"),
        node("Add", ["bucket", "one"], "gram"),
        # The hash of no letter is 0, so a run that reaches beyond the word ends in 0.
        node("Cast", [f"letter_{RUN - 1}"], "is_whole", to=TensorProto.BOOL),
        node("Where", ["is_whole", "gram", "pad"], "grams"),
    ]


def constants(buckets: int) -> dict[str, np.typing.NDArray[np.generic]]:
    """What these nodes read beside their inputs, by local name."""
    ends = (*range(-RUN + 1, 0), np.iinfo(np.int64).max)
    windows = {
        f"{side}_{place}": np.array([value], np.int64)
        for place in range(RUN)
        for side, value in (("from", place), ("to", ends[place]))
    }
    return (
        windows
        | {f"factor_{place}": np.array(factor, np.int64) for place, factor in enumerate(_MIX)}
        | {
            "flat": np.array([-1], np.int64),
            "made_up": np.array(["-"], dtype=object),
            "opening": np.array(["<"], dtype=object),
            "closing": np.array([">"], dtype=object),
            "start": np.array([0], np.int64),
            "longest_word": np.array([LONGEST_WORD], np.int64),
            "axis": np.array([1], np.int64),
            "buckets": np.array(buckets, np.int64),
            "one": np.array(1, np.int64),
            "pad": np.array(0, np.int64),
        }
    )
