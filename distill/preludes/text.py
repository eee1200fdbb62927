"""Text to token ids, inside the graph: lower-case, split into words, look up, hash what is unknown."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from distill.chunks import places
from distill.errors import DataError
from distill.preludes.prelude import FEATURES, IR_VERSION, OPSETS, Prelude
from handler.predictor import session_options

PAD, END = 0, 1
FIRST_WORD = 2
# A word that fewer rows hold could point at a person; it is hashed instead of stored.
MIN_ROWS = 3

# Scripts that put spaces between words. A letter of any other script (Han, Kana, Thai, ...) is a token of its own,
# with its marks. RE2 has no class subtraction, and the tokenizer takes the longest match, hence the list. Its \s is
# ASCII: the other spaces (\p{Z}), and what is not seen (control and format characters), part words all the same.
_SPACED = "".join(
    rf"\p{{{script}}}"
    for script in (
        "Latin Greek Cyrillic Armenian Hebrew Arabic Syriac Thaana Devanagari Bengali Gurmukhi Gujarati Oriya Tamil "
        "Telugu Kannada Malayalam Sinhala Georgian Hangul Ethiopic Cherokee Mongolian Nko Tifinagh"
    ).split()
)
TOKEN = rf"[{_SPACED}\p{{M}}\p{{N}}_'’]+|\p{{L}}\p{{M}}*|[^\p{{L}}\p{{M}}\p{{N}}\p{{Z}}\p{{Cc}}\p{{Cf}}\s_'’]"


def fit(texts: npt.NDArray[np.object_], vocabulary: int, buckets: int, max_tokens: int) -> Prelude:
    """Choose the words of the vocabulary from training texts [N] and build the graph.

    Raises:
        DataError: no word occurs in at least MIN_ROWS texts.
    """
    counts = _rows_per_word(texts, max_tokens)
    ranked = sorted(((-rows, word) for word, rows in counts.items() if rows >= MIN_ROWS))[:vocabulary]
    if not ranked:
        raise DataError(
            f"No word occurs in {MIN_ROWS} or more of the {len(texts)} training texts, so there is nothing to learn "
            "from. Check that data.text names the column that holds the text."
        )
    words = tuple(word for _, word in ranked)
    return Prelude(
        model=graph(words, buckets, max_tokens),
        width=FIRST_WORD + len(words) + buckets,
        words=words,
        surprisal=_surprisal([-rows for rows, _ in ranked], len(texts), buckets),
        vocabulary_rows=-ranked[-1][0],
    )


def graph(words: tuple[str, ...], buckets: int, max_tokens: int) -> onnx.ModelProto:
    """text: string [N] -> ids: int64 [N,L], L <= max_tokens + 1.

    Each row ends its words with END, so that a batch of empty strings is still one token wide; PAD follows.
    A word outside `words` gets an id by MurmurHash3 into one of `buckets`.
    """
    unknown_from = FIRST_WORD + len(words)
    constants = {
        "start": np.array([0], np.int64),
        "max_tokens": np.array([max_tokens], np.int64),
        "axis": np.array([1], np.int64),
        "unknown": np.array(-1, np.int64),
        "pad_column": np.array([[PAD]], np.int64),
        "pad": np.array(PAD, np.int64),
        "end": np.array(END, np.int64),
        "one": np.array(1, np.int64),
        "buckets": np.array(buckets, np.int64),
        "unknown_from": np.array(unknown_from, np.int64),
    }
    nodes = [
        *_words(),
        _node("Slice", ["words", "start", "max_tokens", "axis"], "kept"),
        helper.make_node(
            "LabelEncoder",
            [_name("kept")],
            [_name("looked_up")],
            name=_name("look_up"),
            domain="ai.onnx.ml",
            keys_strings=["", *words],
            values_int64s=[PAD, *range(FIRST_WORD, unknown_from)],
            default_int64=-1,
        ),
        _node("MurmurHash3", ["kept"], "hash", domain="com.microsoft", positive=1, seed=0),
        _node("Cast", ["hash"], "hash64", to=TensorProto.INT64),
        _node("Mod", ["hash64", "buckets"], "bucket"),
        _node("Add", ["bucket", "unknown_from"], "bucket_id"),
        _node("Equal", ["looked_up", "unknown"], "is_unknown"),
        _node("Where", ["is_unknown", "bucket_id", "looked_up"], "ids"),
        # One more column of padding; then the first padding of each row becomes END.
        _node("Shape", ["ids"], "rows", start=0, end=1),
        _node("Concat", ["rows", "axis"], "column_shape", axis=0),
        _node("Expand", ["pad_column", "column_shape"], "column"),
        _node("Concat", ["ids", "column"], "padded", axis=1),
        _node("Equal", ["padded", "pad"], "is_pad"),
        _node("Cast", ["is_pad"], "pad_flag", to=TensorProto.INT64),
        _node("CumSum", ["pad_flag", "one"], "pad_rank"),
        _node("Equal", ["pad_rank", "one"], "is_first_pad"),
        helper.make_node(
            "Where", [_name("is_first_pad"), _name("end"), _name("padded")], [FEATURES], name=_name("finish")
        ),
    ]
    return _model(nodes, constants, helper.make_tensor_value_info(FEATURES, TensorProto.INT64, ["N", "L"]))


def _surprisal(rows_per_word: list[int], rows: int, buckets: int) -> tuple[float, ...]:
    """-log of the share of rows that hold each id, half a row added; padding and END carry none."""
    nothing = -math.log(0.5 / (rows + 1))
    known = [-math.log((count + 0.5) / (rows + 1)) for count in rows_per_word]
    return (*[0.0] * FIRST_WORD, *known, *[nothing] * buckets)


def _rows_per_word(texts: npt.NDArray[np.object_], max_tokens: int) -> Counter[str]:
    """In how many texts each word occurs, split by the very nodes that will serve."""
    value = helper.make_tensor_value_info(_name("words"), TensorProto.STRING, ["N", "L"])
    session = ort.InferenceSession(
        _model(_words(), {}, value).SerializeToString(),
        sess_options=session_options(),
        providers=["CPUExecutionProvider"],
    )
    counts: Counter[str] = Counter()
    for chunk in places({"text": texts}):
        for row in session.run(None, {"text": texts[chunk]})[0]:
            counts.update(set(row[:max_tokens].tolist()))
    del counts[""]
    return counts


def _words() -> list[onnx.NodeProto]:
    return [
        # The default locale is missing on slim images.
        helper.make_node(
            "StringNormalizer",
            ["text"],
            [_name("lower")],
            name=_name("lower_case"),
            case_change_action="LOWER",
            locale="C.UTF-8",
        ),
        helper.make_node(
            "Tokenizer",
            [_name("lower")],
            [_name("words")],
            name=_name("split"),
            domain="com.microsoft",
            tokenexp=TOKEN,
            mincharnum=1,
            mark=0,
            pad_value="",
        ),
    ]


def _model(
    nodes: list[onnx.NodeProto], constants: dict[str, npt.NDArray[np.int64]], output: onnx.ValueInfoProto
) -> onnx.ModelProto:
    text = helper.make_tensor_value_info("text", TensorProto.STRING, ["N"])
    tensors = [numpy_helper.from_array(value, _name(name)) for name, value in constants.items()]
    return helper.make_model(
        helper.make_graph(nodes, "prelude", [text], [output], tensors), opset_imports=OPSETS, ir_version=IR_VERSION
    )


def _name(local: str) -> str:
    return f"limbeck/text/{local}"


def _node(op: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(
        op, [_name(name) for name in inputs], [_name(output)], name=_name(f"make_{output}"), **attributes
    )
