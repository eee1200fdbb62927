"""Text to words, inside the graph: lower-case and split. The one tokenisation of the project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from distill.modalities.prelude import IR_VERSION, OPSETS
from distill.runtime.batched import places
from handler.model.predictor import session_options

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
# An apostrophe parts words, as it opens and closes quotations too; what it shortens in English stays with it, so that
# "n't" and "'s" are known whatever stands before them.
TOKEN = (
    rf"[{_SPACED}\p{{M}}\p{{N}}_]+|['’](?:s|t|re|ve|ll|d|m)\b|\p{{L}}\p{{M}}*"
    r"|[^\p{L}\p{M}\p{N}\p{Z}\p{Cc}\p{Cf}\s_]"
)


# The control character that stands behind the last word of a text where the graph marks its end. No text can hold it
# as a word: what is not letter, digit, mark or symbol parts words, and this one counts at the very end alone.
END_OF_TEXT = "\x03"


def nodes(text: str = "text", ended: bool = False) -> list[onnx.NodeProto]:
    """`text`: string [N] -> `name("words")`: string [N,L], "" pads. A batch without a word is no token wide.

    `ended`: whether END_OF_TEXT follows the words of each text; `name("end_of_text")` is then read beside it.
    """
    parted, token = "lower", TOKEN
    ending: list[onnx.NodeProto] = []
    if ended:
        parted, token = "ended", rf"{TOKEN}|{END_OF_TEXT}\z"
        ending = [node("StringConcat", ["lower", "end_of_text"], "ended")]
    return [
        # The default locale is missing on slim images.
        helper.make_node(
            "StringNormalizer",
            [text],
            [name("lower")],
            name=name("lower_case"),
            case_change_action="LOWER",
            locale="C.UTF-8",
        ),
        *ending,
        helper.make_node(
            "Tokenizer",
            [name(parted)],
            [name("words")],
            name=name("split"),
            domain="com.microsoft",
            tokenexp=token,
            mincharnum=1,
            mark=0,
            pad_value="",
        ),
    ]


def rows_per_word(texts: np.typing.NDArray[np.object_], max_tokens: int) -> Counter[str]:
    """In how many texts each word occurs, split by the very nodes that will serve."""
    counts: Counter[str] = Counter()
    for words in split(texts, max_tokens):
        counts.update(set(words))
    return counts


def split(texts: np.typing.NDArray[np.object_], max_tokens: int) -> Iterator[list[str]]:
    """The first `max_tokens` words of each text, in no particular order of the texts."""
    value = helper.make_tensor_value_info(name("words"), TensorProto.STRING, ["N", "L"])
    session = ort.InferenceSession(
        model(nodes(), {}, [value]).SerializeToString(),
        sess_options=session_options(),
        providers=["CPUExecutionProvider"],
    )
    for chunk in places({"text": texts}):
        for row in session.run(None, {"text": texts[chunk]})[0]:
            yield [word for word in row[:max_tokens].tolist() if word]


def model(
    made: list[onnx.NodeProto],
    constants: Mapping[str, np.typing.NDArray[np.generic]],
    outputs: list[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    """A graph from `text`: string [N] through `made` to `outputs`; constants by their local names."""
    text = helper.make_tensor_value_info("text", TensorProto.STRING, ["N"])
    tensors = [numpy_helper.from_array(np.asarray(value), name(local)) for local, value in constants.items()]
    graph = helper.make_graph(made, "prelude", [text], outputs, tensors)
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION)


def name(local: str) -> str:
    """A name inside the graph that no column can have."""
    return f"limbeck/text/{local}"


def node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 - ONNX\'s
    """A node between local names."""
    made = [name(item) for item in inputs]
    return helper.make_node(op, made, [name(output)], name=name(f"make_{output}"), **attributes)
