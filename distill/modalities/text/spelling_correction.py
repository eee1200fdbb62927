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
# A mark has sixteen bits: which letter is left out, and a print.
_PRINTS = (1 << 11) - 1
_POSITION = 1 << 11
_WHOLE = 31  # the position where none is left out
# Of the words, the share whose slips keep their places before a real word: a tenth of them make up most of a text. With
# none, the table would mend a tenth fewer slips.
_MOST_WANTED = 0.1
_REAL = 0  # the position in the mark of a real word: the first letter, which no key leaves out
_EMPTY = (1 << 16) - 1  # has a print that no word has
# Added to the numbers of words that are a letter too long or too short, beyond all numbers, and twice where another
# letter stands in a place; a real word, found with the number of an unknown one, comes before both.
_FARTHER = 1 << 40
_NONE = _FARTHER << 20  # added where there is no such word
_LETTERS = char_ngrams.LONGEST_WORD - 2  # of the longest word that is read
# Wide enough that every word's letters stand in LONGEST_WORD places: what reads them then needs no size.
_MADE_UP = "-" * _LETTERS
# Below 2**26, as a letter's hash is below 2**32: the sum over LONGEST_WORD of their products stays within int64.
_WEIGHTS = np.random.default_rng(20_120_607).integers(1 << 20, 1 << 26, char_ngrams.LONGEST_WORD)
# Of the first two letters, in the key of a real word: with weights of its own it equals no other key, so that no slip
# loses its place to the real word that is spelt like it.
_WEIGHTS_OF_REAL = (47_726_551, 38_113_207)


@dataclass(frozen=True)
class Spelling:
    """The table: `numbers` [S], what the nearest word is looked up as, and `marks` uint16 [S]."""

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
    table = Spelling(np.zeros(places, np.uint16 if small else np.int32), np.full(places, _EMPTY, np.uint16))
    if kept:
        kept_for_good = _fill(table, numbers, kept)
        _spare(table, [word for word in real if word not in numbers and word.isalpha()], kept_for_good)
    return table


def _fill(table: Spelling, numbers: Mapping[str, int], kept: list[str]) -> frozenset[int]:
    """Give the words their places, those that come first before others; which of them are the most wanted words'."""
    places = len(table.marks)
    most_wanted = set()
    found = _keys(kept)
    slots, prints = (found % places).tolist(), (found // places % _PRINTS).tolist()
    for row, word in enumerate(kept):
        letters = min(len(word), _LETTERS)  # columns: from the second letter left out to none
        for column in range(letters):
            slot, position = slots[row][column], column + 1 if column < letters - 1 else _WHOLE
            if table.marks[slot] == _EMPTY:
                table.numbers[slot], table.marks[slot] = numbers[word], position * _POSITION + prints[row][column]
                if row < _MOST_WANTED * len(kept):
                    most_wanted.add(slot)
    return frozenset(most_wanted)


def _spare(table: Spelling, real: list[str], taken: frozenset[int]) -> None:
    """Give those of the real words a place that the table would mend, though none of those `taken`."""
    # No number is 0, which here stands for an unknown word.
    found = _of_words(real, _search_nodes(), constants(table, 1, 0), "nearest_number") if real else np.zeros(0)
    spared = [word for word, number in zip(real, found.tolist(), strict=True) if number]
    for key in _keys(spared)[::-1, -1].tolist() if spared else ():  # the commonest last, to stay
        rest, slot = divmod(key, len(table.marks))
        if slot not in taken:
            table.numbers[slot], table.marks[slot] = 0, _REAL * _POSITION + rest % _PRINTS


def _keys(known: list[str]) -> np.typing.NDArray[np.int64]:
    """What the graph hashes of each word [V], see `_key_nodes`: [V,23]."""
    return _of_words(known, _key_nodes(), char_ngrams.constants(1, _MADE_UP) | _key_constants(), "keys")


def _of_words(
    words: list[str],
    made: list[onnx.NodeProto],
    constants: Mapping[str, np.typing.NDArray[np.generic]],
    output: str,
) -> np.typing.NDArray[np.int64]:
    """What nodes that read `stranger_codes` make of words [V], by its local name."""
    first = node("Concat", ["known", "made_up"], "spelt", axis=0)
    first.input[0] = "text"
    value = helper.make_tensor_value_info(name(output), TensorProto.INT64, None)
    graph = [first, *char_ngrams.codes("spelt", "stranger_codes"), *made]
    session = ort.InferenceSession(
        tokenizer.model(graph, constants, [value]).SerializeToString(),
        sess_options=session_options(),
        providers=["CPUExecutionProvider"],
    )
    [found] = session.run(None, {"text": np.array(words, dtype=object)})
    return np.asarray(found, dtype=np.int64)


def nodes() -> list[onnx.NodeProto]:
    """`exact` [N,L] to `looked_up` [N,L], in which the nearest known word stands where a word is unknown.

    Reads `stranger_places` [S,2] of the unknown words, `stranger_codes` [S,G], the hashes of their letters, and
    `unknown`, the number of such words; makes `places` [U,2] and `letter_codes` [U,G] of the words that are left. All
    are local names.
    """
    return [
        *_search_nodes(),
        node("ScatterND", ["exact", "stranger_places", "nearest_number"], "looked_up"),
        node("Equal", ["nearest_number", "unknown"], "is_left"),
        node("Compress", ["stranger_places", "is_left"], "places", axis=0),
        node("Compress", ["stranger_codes", "is_left"], "letter_codes", axis=0),
    ]


def _search_nodes() -> list[onnx.NodeProto]:
    """`stranger_codes` [S,G] -> `nearest_number` [S], of the word that each is a slip of, or of an unknown one."""
    return [
        *_key_nodes(),
        node("Mod", ["keys", "table_size"], "slot"),
        node("Div", ["keys", "table_size"], "rest"),
        node("Mod", ["rest", "prints"], "print"),
        node("Gather", ["mark_table", "slot"], "small_mark"),
        node("Cast", ["small_mark"], "mark", to=TensorProto.INT64),
        node("Mod", ["mark", "position_unit"], "print_there"),
        node("Div", ["mark", "position_unit"], "position_there"),
        node("Equal", ["print_there", "print"], "is_find"),
        node("MatMul", ["letter_flags", "row_of_position"], "distance_row"),
        node("Add", ["distance_row", "position_there"], "distance_place"),
        node("Gather", ["distances", "distance_place"], "distance"),
        node("Gather", ["number_table", "slot"], "small_number"),
        node("Cast", ["small_number"], "number_there", to=TensorProto.INT64),
        node("Add", ["number_there", "distance"], "ranked_number"),
        node("Where", ["is_find", "ranked_number", "no_number"], "finds"),
        node("ReduceMin", ["finds", "axis"], "first_find", keepdims=0),
        node("Min", ["first_find", "no_number"], "nearest"),
        # What is beyond the numbers is cut off; of no word, and of a real one, the number of an unknown one is left.
        node("Mod", ["nearest", "farther"], "nearest_number"),
    ]


def constants(table: Spelling, buckets: int, unknown: int) -> dict[str, np.typing.NDArray[np.generic]]:
    """What `nodes` and `char_ngrams` read beside their inputs, by local name; `unknown`: the number of such words."""
    return (
        char_ngrams.constants(buckets, _MADE_UP)
        | _key_constants()
        | {
            "table_size": np.array(len(table.marks), np.int64),
            "prints": np.array(_PRINTS, np.int64),
            "position_unit": np.array(_POSITION, np.int64),
            "farther": np.array(_FARTHER, np.int64),
            "mark_table": table.marks,
            "number_table": table.numbers,
            "no_number": np.array(_NONE + unknown, np.int64),
            "row_of_position": _row_of_position(),
            "distances": _distances(unknown).reshape(-1),
        }
    )


def _key_nodes() -> list[onnx.NodeProto]:
    """`stranger_codes` [S,G], the hashes of "<", a word's letters, ">" and padding -> `keys` int64 [S,G-1].

    A key is a hash of the word without the letter at that place, from the second on, or of the whole word where none
    stands: the sum of letter times weight of its place, where letters behind the gap have moved down by one. The last
    is the key that the word has as a real one. Also makes `letter_flags` [S,G], 1 where the codes are.
    """
    return [
        *char_ngrams.flags("stranger_codes", "letter_flags"),
        # A letter is what another letter, or the closing mark, follows.
        node("Slice", ["stranger_codes", "from_1", "to_1", "axis"], "without_marks"),
        node("Slice", ["letter_flags", "from_2", "to_end", "axis"], "next_flags"),
        node("Mul", ["without_marks", "next_flags"], "own_letters"),
        node("MatMul", ["own_letters", "weights"], "keys"),
    ]


def _key_constants() -> dict[str, np.typing.NDArray[np.generic]]:
    weights = np.zeros((_LETTERS, _LETTERS + 1), np.int64)  # of each letter [22], in each key [23]
    for key in range(_LETTERS):
        left_out = key + 1
        weights[:left_out, key] = _WEIGHTS[:left_out]
        weights[left_out + 1 :, key] = _WEIGHTS[left_out : _LETTERS - 1]
    weights[:, _LETTERS] = [*_WEIGHTS_OF_REAL, *_WEIGHTS[len(_WEIGHTS_OF_REAL) : _LETTERS]]
    return {
        "weights": weights,
        "from_1": np.array([1], np.int64),
        "to_1": np.array([-1], np.int64),
        "from_2": np.array([2], np.int64),
    }


def _row_of_position() -> np.typing.NDArray[np.int64]:
    """Flags of codes [G] -> for each key [G-1], where its row of `_distances` begins.

    The row is the place of the letter that is left out, 0 where none is; then come those of words too short to be
    mended, and last that of the key of a real word.
    """
    row, codes = _WHOLE + 1, np.zeros((_LETTERS + 2, _LETTERS + 1), np.int64)
    for left_out in range(1, _LETTERS):
        codes[left_out + 2, left_out - 1] = row * left_out
    # One letter less than a word of the table has, at least: the code behind it is there.
    codes[0, :_LETTERS] = row * _LETTERS
    codes[FEWEST_LETTERS, :_LETTERS] -= row * _LETTERS
    codes[0, _LETTERS] = row * (_LETTERS + 2)  # a word of two letters may leave out the second
    return codes


def _distances(unknown: int) -> np.typing.NDArray[np.int64]:
    """What is added to a find's number, by the place of the letter left out of a word, and of the one in the table."""
    distances = np.full((_LETTERS + 3, _WHOLE + 1), 2 * _NONE, np.int64)
    for place in range(1, _LETTERS):
        # Another letter, or two letters swapped: what is left out stands at the same place, or at the next.
        distances[place, max(_REAL + 1, place - 1) : place + 2] = 2 * _FARTHER
    # One of the two has a letter too many: it is left out of one and not of the other.
    distances[0, _REAL + 1 : _WHOLE] = distances[1:_LETTERS, _WHOLE] = _FARTHER
    distances[-1, _REAL] = unknown
    return distances
