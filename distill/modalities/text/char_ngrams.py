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
PLACES = "limbeck/places"
RUN = 3
LONGEST_WORD = 24  # letters and the two marks around them; what is beyond is not read
# Odd multipliers under 2**30: three products of 32-bit hashes then stay within int64.
_MIX = (668_265_263, 374_761_393, 1)


def letters(words: str, unknown: str, places: str, made: str) -> list[onnx.NodeProto]:
    """`words` [N,L] and the mask `unknown` [N,L] -> `places`, int64 [U,2], and `made`, int64 [U,G], a row a word.

    The places are row and column of each unknown word, row by row. See `codes`. All are local names.
    """
    return [
        node("NonZero", [unknown], "row_and_column"),
        node("Transpose", ["row_and_column"], places, perm=[1, 0]),
        node("GatherND", [words, places], "strangers"),
        # A made-up word, left out of the codes, so that the letters of no word at all are a table of some width.
        node("Concat", ["strangers", "made_up"], "spelt", axis=0),
        *codes("spelt", made),
    ]


def codes(words: str, made: str) -> list[onnx.NodeProto]:
    """`words` [U+1], the last of them made up -> `made`: int64 [U,G], hashes of "<", a word's letters and ">"; 0 pads.

    G is LONGEST_WORD at most, and at least what the made-up word has of letters and marks.
    """
    return [
        node("StringConcat", ["opening", words], "opened"),
        node("StringConcat", ["opened", "closing"], "closed"),
        node(
            "Tokenizer", ["closed"], "letters", domain="com.microsoft", tokenexp=".", mincharnum=1, mark=0, pad_value=""
        ),
        node("Slice", ["letters", "first_letter", "last_letter"], "read_letters"),
        node("MurmurHash3", ["read_letters"], "letter_hash", domain="com.microsoft", positive=1, seed=0),
        node("Cast", ["letter_hash"], made, to=TensorProto.INT64),
    ]


def runs() -> list[onnx.NodeProto]:
    """`letter_codes` [U,G] -> `grams`: int64 [U,G-2], an id a run of letters: 1 to `buckets`, 0 pads."""
    return [
        node("UnfoldTensor", ["letter_codes"], "letters_of_run", domain="com.microsoft", dim=1, size=RUN, step=1),
        node("MatMul", ["letters_of_run", "factors"], "run"),
        node("Mod", ["run", "buckets"], "bucket"),
        node("Add", ["bucket", "one"], "whole_gram"),
        # The hash of no letter is 0, so a run that reaches beyond the word ends in 0.
        node("Slice", ["letters_of_run", "from_last", "to_end", "of_run"], "last_of_run"),
        *flags("last_of_run", "is_whole"),
        node("Mul", ["whole_gram", "is_whole"], "grams_of_one"),
        node("Squeeze", ["grams_of_one", "of_run"], "grams"),
    ]


def flags(codes: str, made: str) -> list[onnx.NodeProto]:
    """`codes` -> `made`: int64 of that shape, 1 where a letter is and 0 where none is.

    Sign, Min, Clip and ReduceMin take an int64 between 2**31 and 2**32 for a negative number (seen in ONNX Runtime 1.31
    and 1.30), and a hash may be one.
    """
    return [
        node("Cast", [codes], f"{made}_or_not", to=TensorProto.BOOL),
        node("Cast", [f"{made}_or_not"], made, to=TensorProto.INT64),
    ]


def constants(buckets: int, made_up: str = "-") -> dict[str, np.typing.NDArray[np.generic]]:
    """What these nodes read beside their inputs, by local name. `made_up`: the word that ends all unknown ones."""
    return {
        "made_up": np.array([made_up], dtype=object),
        "opening": np.array(["<"], dtype=object),
        "closing": np.array([">"], dtype=object),
        "first_letter": np.array([0, 0], np.int64),
        "last_letter": np.array([-1, LONGEST_WORD], np.int64),
        "factors": np.array(_MIX, np.int64)[:, None],
        "of_run": np.array([2], np.int64),
        "from_last": np.array([RUN - 1], np.int64),
        "to_end": np.array([np.iinfo(np.int64).max], np.int64),
        "start": np.array([0], np.int64),
        "axis": np.array([1], np.int64),
        "buckets": np.array(buckets, np.int64),
        "one": np.array(1, np.int64),
    }
