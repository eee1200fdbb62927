"""Words outside the vocabulary that are one slip away from a word inside it, found inside the graph.

Two words that differ by one letter become the same when a letter is taken out of each, so that a table of the known
words with each letter left out in turn finds the nearest at the price of a few look-ups (Garbe, 2012, "SymSpell"). The
table holds no strings: a place in it is a hash of what is left of the word, and some bits of another hash tell a find
from a chance meeting (Fan et al., 2014, "Cuckoo filter: practically better than Bloom"). The first letter is taken to
be right, as it mostly is (Kukich, 1992, "Techniques for automatically correcting words in text").

A real word is no slip, however near a known one it stands: "petty" is not "pretty". Of the words of a public list,
those that would be mended have a place in the table too, which says that they stay as they are. Words of training texts
that are too rare to be stored have none: a hash of such a word would tell whether it was there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from distill.modalities.text import char_ngrams, tokenizer
from distill.modalities.text.tokenizer import name, node
from handler.model.predictor import session_options

FEWEST_LETTERS = 4  # of a word in the table; in shorter ones a slip makes another word
_WORD = re.compile(rf"[^\W\d_]{{{FEWEST_LETTERS},}}")
# A mark has sixteen bits: which letter is left out, and a print from 1 on, as 0 is an empty place.
_PRINTS = (1 << 11) - 1
_POSITION = 1 << 11
_WHOLE = 31  # the position where none is left out
# Of the words, the share whose slips keep their places before a real word: a tenth of them make up most of a text. With
# none, the table would mend a tenth fewer slips.
_MOST_WANTED = 0.1
_FARTHER = 1 << 40  # added to the number of a word that another letter has a place in, beyond all numbers
_NONE = 1 << 62  # a multiple of the last, so that none found, and a word that stays, both come out as number 0
# Below 2**26, as a letter's hash is below 2**32: the sum over LONGEST_WORD of their products stays within int64.
_WEIGHTS = np.random.default_rng(20_120_607).integers(1 << 20, 1 << 26, char_ngrams.LONGEST_WORD)
# Of what moves into the first two places, which it does where the mark before the word is left out, or its first
# letter: with weights of their own these keys equal no others. A real word is known by the first, and the second is of
# no use, as the first letter is taken to be right.
_WEIGHTS_OF_REAL = (0, 47_726_551, 38_113_207)


@dataclass(frozen=True)
class Spelling:
    """The table: `numbers` [S], what the nearest word is looked up as, and `marks` uint16 [S], 0 at an empty place."""

    numbers: np.typing.NDArray[np.generic]
    marks: np.typing.NDArray[np.uint16]


def fit(
    numbers: Mapping[str, int], places: int, order: Iterable[str] | None = None, real: Sequence[str] = ()
) -> Spelling | None:
    """The table of `places` places for words that are looked up as `numbers`, from 1 on; None for no places.

    `order`: the words from the most to the least wanted, as given if left out. Who comes first keeps a place that two
    would have, and of several words as near the one with the lowest number is found. `real`: public words, the
    commonest first, which are not to be mended, unless a slip of one of the most wanted words has their place.
    """
    if not places:
        return None
    kept = [word for word in (numbers if order is None else order) if _WORD.fullmatch(word)]
    small = max(numbers.values(), default=0) < 1 << 16
    table = Spelling(np.zeros(places, np.uint16 if small else np.int32), np.zeros(places, np.uint16))
    if kept:
        kept_for_good = _fill(table, numbers, kept)
        _spare(table, [word for word in real if word not in numbers and word.isalpha()], kept_for_good)
    return table


def _fill(table: Spelling, numbers: Mapping[str, int], kept: list[str]) -> frozenset[int]:
    """Give the words their places, those that come first before others; which of them are the most wanted words'."""
    places = len(table.marks)
    most_wanted = set()
    found = _keys(kept)
    slots, prints = (found % places).tolist(), (found // places % _PRINTS + 1).tolist()
    for row, word in enumerate(kept):
        letters = min(len(word), found.shape[1] - 2)  # columns: the mark left out, the first letter, ... the last, none
        for column in range(2, letters + 2):
            slot, position = slots[row][column], column if column <= letters else _WHOLE
            if not table.marks[slot]:
                table.numbers[slot], table.marks[slot] = numbers[word], position * _POSITION + prints[row][column]
                if row < _MOST_WANTED * len(kept):
                    most_wanted.add(slot)
    return frozenset(most_wanted)


def _spare(table: Spelling, real: list[str], taken: frozenset[int]) -> None:
    """Give those of the real words a place that the table would mend, though none of those `taken`."""
    nearest = _of_words(real, _search_nodes(), constants(table), "nearest") if real else np.zeros(0)
    spared = [word for word, number in zip(real, nearest.tolist(), strict=True) if number]
    for key in _keys(spared)[::-1, 0].tolist() if spared else ():  # the commonest last, to stay
        rest, slot = divmod(key, len(table.marks))
        if slot in taken:
            continue
        table.numbers[slot], table.marks[slot] = 0, _WHOLE * _POSITION + rest % _PRINTS + 1


def _keys(known: list[str]) -> np.typing.NDArray[np.int64]:
    """What the graph hashes of each word [V] without the mark before it, without each letter, and whole, [V,L+2]."""
    return _of_words(known, _key_nodes(), _key_constants(), "keys")


def _of_words(
    words: list[str],
    made: list[onnx.NodeProto],
    constants: Mapping[str, np.typing.NDArray[np.generic]],
    output: str,
) -> np.typing.NDArray[np.int64]:
    """What nodes that read `stranger_codes` make of words [V], by its local name."""
    first = helper.make_node("Identity", ["text"], [name("spelt")])
    value = helper.make_tensor_value_info(name(output), TensorProto.INT64, None)
    graph = [first, *char_ngrams.codes("spelt", "stranger_codes"), *made]
    session = ort.InferenceSession(
        tokenizer.model(graph, {**char_ngrams.constants(1), **constants}, [value]).SerializeToString(),
        sess_options=session_options(),
        providers=["CPUExecutionProvider"],
    )
    [found] = session.run(None, {"text": np.array(words, dtype=object)})
    return np.asarray(found, dtype=np.int64)


def nodes() -> list[onnx.NodeProto]:
    """`exact` [N,L], -1 where a word is unknown, to `looked_up` [N,L], in which the nearest known word stands there.

    Reads `flat_strangers`, the mask of unknown words [N*L], and `stranger_codes` [U+1,G], the hashes of their letters;
    makes the mask `is_unknown` [N,L] of the words that are left, and `letter_codes` of these. All are local names.
    """
    return [
        *_search_nodes(),
        node("Equal", ["nearest", "pad"], "is_left"),
        node("Compress", ["stranger_codes", "is_left"], "letter_codes", axis=0),
        node("Cast", ["flat_strangers"], "stranger_flags", to=TensorProto.INT64),
        node("CumSum", ["stranger_flags", "zero"], "stranger_rank"),
        node("Sub", ["stranger_rank", "one"], "row_of_stranger"),
        node("Max", ["row_of_stranger", "zero"], "stranger_row"),
        node("Gather", ["nearest", "stranger_row"], "nearest_there"),
        node("Greater", ["nearest_there", "pad"], "has_nearest"),
        node("And", ["has_nearest", "flat_strangers"], "is_mended"),
        node("Reshape", ["exact", "flat"], "flat_exact"),
        node("Where", ["is_mended", "nearest_there", "flat_exact"], "flat_mended"),
        node("Shape", ["exact"], "exact_shape"),
        node("Reshape", ["flat_mended", "exact_shape"], "looked_up", allowzero=1),
        node("Equal", ["looked_up", "unknown"], "is_unknown"),
        node("Reshape", ["is_unknown", "flat"], "flat_unknown"),
    ]


def _search_nodes() -> list[onnx.NodeProto]:
    """`stranger_codes` [U,G] -> `nearest` [U], the number of the known word that each is a slip of, or 0."""
    return [
        *_key_nodes(),
        node("Mod", ["keys", "places"], "place"),
        node("Div", ["keys", "places"], "rest"),
        node("Mod", ["rest", "prints"], "print_from_zero"),
        node("Add", ["print_from_zero", "one"], "print"),
        node("Gather", ["mark_table", "place"], "small_mark"),
        node("Cast", ["small_mark"], "mark", to=TensorProto.INT64),
        node("Mod", ["mark", "position_unit"], "print_there"),
        node("Div", ["mark", "position_unit"], "position_there"),
        node("Equal", ["print_there", "print"], "is_find"),
        # One of the two has a letter too many: it is left out of one and not of the other.
        node("Equal", ["position_there", "whole"], "is_whole_there"),
        node("Equal", ["is_whole_there", "is_left_out"], "is_one_apart"),
        # Another letter, or two letters swapped: what is left out stands at the same place, or at the next.
        node("Sub", ["position_there", "position"], "moved_by"),
        node("Abs", ["moved_by"], "distance"),
        node("LessOrEqual", ["distance", "one"], "is_in_place"),
        node("And", ["is_in_place", "is_left_out"], "is_exchanged"),
        node("Or", ["is_one_apart", "is_exchanged"], "is_near"),
        node("And", ["is_find", "is_near"], "is_found"),
        node("Gather", ["number_table", "place"], "small_number"),
        node("Cast", ["small_number"], "number_there", to=TensorProto.INT64),
        node("Add", ["number_there", "farther"], "number_if_exchanged"),
        node("Where", ["is_one_apart", "number_there", "number_if_exchanged"], "ranked_number"),
        node("Where", ["is_found", "ranked_number", "no_number"], "finds"),
        node("ReduceMin", ["finds", "axis"], "first_find", keepdims=0),
        # The mark, and one letter less than a word of the table has, at least.
        node("Cast", ["is_left_out"], "letter_flags", to=TensorProto.INT64),
        node("ReduceSum", ["letter_flags", "axis"], "letter_count", keepdims=0),
        node("GreaterOrEqual", ["letter_count", "fewest_letters"], "is_long"),
        node("Mod", ["first_find", "farther"], "first_number"),
        node("Where", ["is_long", "first_number", "pad"], "nearest"),
    ]


def constants(table: Spelling) -> dict[str, np.typing.NDArray[np.generic]]:
    """What `nodes` reads beside its inputs and what `distill.modalities.text.char_ngrams` has, by local name."""
    return _key_constants() | {
        "places": np.array(len(table.marks), np.int64),
        "prints": np.array(_PRINTS, np.int64),
        "position_unit": np.array(_POSITION, np.int64),
        "whole": np.array(_WHOLE, np.int64),
        "farther": np.array(_FARTHER, np.int64),
        "mark_table": table.marks,
        "number_table": table.numbers,
        "no_number": np.array(_NONE, np.int64),
        "fewest_letters": np.array(FEWEST_LETTERS, np.int64),
    }


def _key_nodes() -> list[onnx.NodeProto]:
    """`stranger_codes` [U,G], the hashes of "<", a word's letters, ">" and padding -> `keys`, `is_left_out` [U,G].

    A key is a hash of the word without the mark or letter at that place, its `position` [G], or of the whole word where
    none stands: the sum of letter times weight of its place, where letters behind the gap have moved down by one.
    """
    return [
        node("Slice", ["stranger_codes", "from_1", "to_2", "axis"], "from_second"),
        node("Pad", ["from_second", "one_column"], "next_letter"),
        node("Cast", ["next_letter"], "is_left_out", to=TensorProto.BOOL),  # the hash of nothing is 0
        node("Where", ["is_left_out", "stranger_codes", "pad"], "own_letters"),
        node("Shape", ["own_letters"], "places_read", start=1, end=2),
        node("Slice", ["weights", "start", "places_read"], "weights_here"),
        node("Slice", ["weights_before", "start", "places_read"], "weights_moved"),
        node("Mul", ["own_letters", "weights_here"], "staying"),
        node("Mul", ["own_letters", "weights_moved"], "moving"),
        node("CumSum", ["staying", "one"], "before_gap", exclusive=1),
        node("CumSum", ["moving", "one"], "behind_gap", exclusive=1, reverse=1),
        node("Add", ["before_gap", "behind_gap"], "keys"),
        node("Slice", ["positions", "start", "places_read"], "position"),
    ]


def _key_constants() -> dict[str, np.typing.NDArray[np.generic]]:
    return {
        "one_column": np.array([0, 0, 0, 1], np.int64),
        "weights": _WEIGHTS,
        "weights_before": np.concatenate([_WEIGHTS_OF_REAL, _WEIGHTS[2:-1]]),
        "positions": np.arange(char_ngrams.LONGEST_WORD),
    }
