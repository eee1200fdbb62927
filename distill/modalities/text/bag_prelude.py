"""Text to hashed ids, inside the graph: of its words, of pairs of neighbours, and of the words' runs of four letters.

The three share one table (Weinberger et al., 2009, "Feature Hashing for Large Scale Multitask Learning"; Joulin et al.,
2017, "Bag of Tricks for Efficient Text Classification"). A hash that is common among the training texts has an id of
its own, and all others share one: where every hash has a place in a table of so few, the many that are rare take it
from the common ones. The graph stores no word: of what MIN_ROWS texts hold it stores the hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from distill.errors import DataError
from distill.modalities.modality import NetworkInput
from distill.modalities.prelude import FEATURES, Prelude
from distill.modalities.text import bag_batches, prelude, tokenizer
from distill.modalities.text.bag_batches import COUNTS, OWNERS, Bags
from distill.modalities.text.tokenizer import name, node
from distill.privacy.disclosure import MIN_ROWS

RUN = 4
HASHES = 1 << 20  # so many that those of a training set seldom meet
LONGEST_WORD = 22  # letters of a word that are read one by one; its hash is of all
# Stands before every text, as a word of its own: no text is without a word then, and the first has a pair.
_BEGINNING = "\ue000"
# Odd multipliers: of hashes of 32 bits, so that a pair stays within int64, and a run of four, made of two pairs of
# letters, as well: (2**32 * 2**11 + 2**32) * 2**18 + 2**44 < 2**63.
_OF_WORDS, _OF_LETTERS, _OF_PAIRS = 668_265_263, 1_597, 196_613


@dataclass(frozen=True)
class BagPrelude(Prelude):
    """text: string [N] -> the ids of each text, in a row, see `graph`. `width` is the number of ids."""

    # -log of the share of training rows that hold each id; last, a hash without one of its own
    surprisal: tuple[float, ...] = ()

    def network_rows(self, columns: Mapping[str, np.typing.NDArray[np.generic]]) -> Bags:
        """Run the graph over a column of N texts."""
        return bag_batches.join(self.width, [(chunk, *outputs) for chunk, outputs in self.run(columns)])

    def network_inputs(self) -> Mapping[str, NetworkInput]:
        """What a network reads, as the export sees it."""
        return bag_batches.network_inputs()


def fit(texts: np.typing.NDArray[np.object_], buckets: int, max_tokens: int) -> BagPrelude:
    """Choose the hashes that get an id, and build the graph.

    They are those that stand in the most training texts [N], in MIN_ROWS at least: at most `buckets`.

    Raises:
        DataError: no word, pair or run of letters occurs in so many texts.
    """
    rows = of_every_hash(max_tokens).network_rows({"text": texts}).rows_per_id()
    common = np.flatnonzero(rows >= MIN_ROWS)
    if len(common) <= 1:  # what stands before every text
        raise DataError(
            f"No word occurs in {MIN_ROWS} or more of the {len(texts)} training texts, so there is nothing to learn "
            "from. Check that data.text names the column that holds the text."
        )
    # In order of the hashes, which says nothing of how often each occurs.
    kept = np.sort(common[np.argsort(-rows[common], kind="stable")[:buckets]])
    counts = rows[kept].tolist()
    return BagPrelude(
        model=graph(kept.tolist(), max_tokens),
        width=len(kept) + 1,
        vocabulary_rows=min(counts),
        surprisal=prelude.surprisal(counts, len(texts), 0),
    )


def of_every_hash(max_tokens: int) -> BagPrelude:
    """The prelude in which each hash is an id, as it is before any is chosen."""
    return BagPrelude(model=_model(node("Identity", ["hash"], "ids"), max_tokens), width=HASHES)


def graph(kept: Sequence[int], max_tokens: int) -> onnx.ModelProto:
    """text: string [N] -> FEATURES, ids int64 [S] of all rows, OWNERS, the row of each [S,1], and COUNTS, float [N,1].

    `kept`: the hashes, below HASHES, that have the ids from 0 on; any other has the id after them. COUNTS says how many
    ids each row has, one at least. Of a row, the first `max_tokens` words are read. The ids stand row by row without
    padding, so that a batch costs what its texts do, whatever their lengths.
    """
    numbers = node(
        "LabelEncoder",
        ["hash"],
        "ids",
        domain="ai.onnx.ml",
        keys_int64s=kept,
        values_int64s=range(len(kept)),
        default_int64=len(kept),
    )
    return _model(numbers, max_tokens)


def _model(numbers: onnx.NodeProto, max_tokens: int) -> onnx.ModelProto:
    """The graph around the node that makes `ids` of each `hash`."""
    outputs = [
        helper.make_tensor_value_info(FEATURES, TensorProto.INT64, ["S"]),
        helper.make_tensor_value_info(OWNERS, TensorProto.INT64, ["S", 1]),
        helper.make_tensor_value_info(COUNTS, TensorProto.FLOAT, ["N", 1]),
    ]
    nodes = [
        node("StringConcat", ["beginning", "given"], "begun"),
        *tokenizer.nodes(name("begun")),
        node("Slice", ["words", "start", "max_words", "axis"], "kept"),
        *_words_and_pairs(),
        *_runs(),
        # A row's words, pairs and runs beside each other, and those that are whole picked from among the padding.
        node("Concat", ["word_code", "pair", "run_row"], "hashes", axis=1),
        node("Concat", ["word_code", "second", "last_row"], "last_parts", axis=1),
        node("Cast", ["last_parts"], "is_whole", to=TensorProto.BOOL),
        node("NonZero", ["is_whole"], "found"),
        node("Transpose", ["found"], "found_places", perm=[1, 0]),
        node("GatherND", ["hashes", "found_places"], "found_hashes"),
        node("Mod", ["found_hashes", "hash_space"], "hash"),
        numbers,
        helper.make_node(
            "Slice",
            [name("found_places"), name("start"), name("second_place"), name("axis")],
            [OWNERS],
            name=name("make_owners"),
        ),
        node("Cast", ["is_whole"], "whole_flags", to=TensorProto.FLOAT),
        helper.make_node(
            "ReduceSum", [name("whole_flags"), name("axis")], [COUNTS], name=name("make_counts"), keepdims=1
        ),
    ]
    nodes[0].input[1] = "text"
    numbers.output[:] = [FEATURES]
    return tokenizer.model(nodes, _constants(max_tokens), outputs)


def _words_and_pairs() -> list[onnx.NodeProto]:
    """`kept` [N,L] -> `word_code` [N,L], 0 at padding, `pair` and `second` [N,L-1]: a pair is whole where that is."""
    return [
        node("MurmurHash3", ["kept"], "word_hash", domain="com.microsoft", positive=1, seed=0),
        node("Cast", ["word_hash"], "word_code", to=TensorProto.INT64),
        node("Slice", ["word_code", "start", "to_1", "axis"], "first"),
        node("Slice", ["word_code", "from_1", "end", "axis"], "second"),
        node("Mul", ["first", "of_words"], "first_part"),
        node("Add", ["first_part", "second"], "pair"),
    ]


def _runs() -> list[onnx.NodeProto]:
    """`kept` [N,L] -> `run_row` and `last_row` [N,R]: a run of four letters is whole where the last of them is."""
    return [
        node("Reshape", ["kept", "flat"], "flat_words"),
        # A word is cut before it is taken apart: a tensor of letters is as wide as its longest word.
        node(
            "Tokenizer",
            ["flat_words"],
            "cut",
            domain="com.microsoft",
            tokenexp=f"^.{{1,{LONGEST_WORD}}}",
            mincharnum=1,
            mark=0,
            pad_value="",
        ),
        node("StringConcat", ["opening", "cut"], "opened"),
        node("StringConcat", ["opened", "closing"], "closed"),
        node(
            "Tokenizer", ["closed"], "letters", domain="com.microsoft", tokenexp=".", mincharnum=1, mark=0, pad_value=""
        ),
        node("MurmurHash3", ["letters"], "letter_hash", domain="com.microsoft", positive=1, seed=0),
        node("Cast", ["letter_hash"], "letter", to=TensorProto.INT64),
        # Pairs of letters, then pairs of these that stand next to each other.
        node("Slice", ["letter", "start", "to_1", "letters_axis"], "first_letter"),
        node("Slice", ["letter", "from_1", "end", "letters_axis"], "second_letter"),
        node("Mul", ["first_letter", "of_letters"], "letter_part"),
        node("Add", ["letter_part", "second_letter"], "letter_pair"),
        node("Slice", ["letter_pair", "start", "to_2", "letters_axis"], "first_pair"),
        node("Slice", ["letter_pair", "from_2", "end", "letters_axis"], "second_pair"),
        node("Mul", ["first_pair", "of_pairs"], "pair_part"),
        node("Add", ["pair_part", "second_pair"], "run"),
        node("Slice", ["second_letter", "from_2", "end", "letters_axis"], "last"),
        node("Shape", ["kept"], "rows", start=0, end=1),
        node("Concat", ["rows", "flat"], "by_row", axis=0),
        node("Reshape", ["run", "by_row"], "run_row"),
        node("Reshape", ["last", "by_row"], "last_row"),
    ]


def _constants(max_tokens: int) -> dict[str, np.typing.NDArray[np.generic]]:
    return {
        "beginning": np.array([_BEGINNING], dtype=object),
        "opening": np.array(["<"], dtype=object),
        "closing": np.array([">"], dtype=object),
        "start": np.array([0], np.int64),
        "end": np.array([np.iinfo(np.int64).max], np.int64),
        "max_words": np.array([1 + max_tokens], np.int64),
        "axis": np.array([1], np.int64),
        "letters_axis": np.array([2], np.int64),
        "flat": np.array([-1], np.int64),
        "second_place": np.array([1], np.int64),
        "from_1": np.array([1], np.int64),
        "from_2": np.array([2], np.int64),
        "to_1": np.array([-1], np.int64),
        "to_2": np.array([-2], np.int64),
        "of_words": np.array(_OF_WORDS, np.int64),
        "of_letters": np.array(_OF_LETTERS, np.int64),
        "of_pairs": np.array(_OF_PAIRS, np.int64),
        "hash_space": np.array(HASHES, np.int64),
    }
