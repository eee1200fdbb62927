"""Pictures, as the spine sees them."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from types import MappingProxyType

from distill.data import pixels
from distill.data.rows import Dataset, Rows
from distill.modalities.image import golden, near_duplicates, prelude, read
from distill.modalities.image.openapi import OPENAPI
from distill.modalities.modality import BaselineParts, Budget, Modality, StudentKind, later
from distill.recipe.rules import FOLDER
from distill.recipe.schema import Recipe, Student
from handler.bundle.contract import Serving
from handler.errors import RequestError

_HERE = __package__ or ""
_EXAMPLES = 6
_COPIES, _MOST_ROWS = 10, 60_000  # views a row, and rows in the transfer set: a teacher labels some 100 a second
_CELL = 4  # pixels a side: what a student reads of a picture is counted in squares of so many
# In bfloat16 a step takes a third of the time, on a processor that has it. One pass in a smaller learning rate follows
# another to the end: of 3,068 photographs the fifth epoch in twenty stood at 0.847, the twentieth at 0.890.
_TUNED = Budget(
    400,
    most_rows=64_000,
    defaults=MappingProxyType({"learning_rate": 1e-3, "batch_size": 64, "weight_decay": 0.02, "precision": "bfloat16"}),
    to_the_end=True,
)
_FROM_NOTHING = Budget(
    3000,
    most_rows=1_500_000,
    most_epochs=60,
    defaults=MappingProxyType(
        {"epochs": 60, "learning_rate": 4e-3, "batch_size": 128, "weight_decay": 0.02, "dropout": 0.1}
        | {"precision": "bfloat16"}
    ),
    to_the_end=True,
)
_NAME = re.compile(r"\.[a-zA-Z]{2,5}$")  # how a file's name ends; base64 has no full stop
_FOLDED = later(_HERE, "students.folded")


def _row_length(rows: Rows, student: Student) -> float:
    return float(((student.size or prelude.SIZE) / _CELL) ** 2)


def _notes(recipe: Recipe, dataset: Dataset) -> tuple[str, ...]:
    return ()


def _page_examples(golden: Sequence[object]) -> list[object]:
    """Shapes: what is made of noise or of one colour looks like nobody's picture."""
    return list(golden[:_EXAMPLES])


def _parse(text: str, serving: Serving) -> object:
    """Base64, as in a request."""
    if _NAME.search(text.strip()):
        detail = "This is the name of a file, and no picture as base64. Put an @ before it, as in @photo.jpg."
        raise RequestError(422, "not-base64", detail)
    return text.strip()


IMAGE = Modality(
    name="image",
    rows_are="pictures",
    package=_HERE,
    claims=lambda data: data.image is not None or data.source == FOLDER,
    teacher_kinds=("vision", "histograms", "stack", "precomputed"),
    stack=("vision", "histograms"),
    students=MappingProxyType(
        {
            "blocks": StudentKind(later(_HERE, "students.first_blocks"), _TUNED, folded=_FOLDED),
            "dsconv": StudentKind(later(_HERE, "students.separable"), _FROM_NOTHING, folded=_FOLDED),
        }
    ),
    usual=("blocks",),
    candidates=MappingProxyType(
        {
            "dsconv-64": {"kind": "dsconv", "width": 64, "layers": 5, "size": 64},
            "blocks-5": {"kind": "blocks", "blocks": 5, "size": 128},
            "dsconv-128": {"kind": "dsconv", "width": 128, "layers": 8, "size": 96},
            "blocks-7": {"kind": "blocks", "blocks": 7, "size": 128},
            "blocks-10": {"kind": "blocks", "blocks": 10, "size": 160},
        }
    ),
    compared=("blocks-5", "blocks-7", "blocks-10"),
    unused=frozenset(
        {"transfer.replace", "transfer.misspell", "transfer.words", "teacher.max_tokens", "student.vocabulary"}
        | {"student.buckets", "student.misspellings", "student.embedding", "student.max_tokens"}
    ),
    defaults=MappingProxyType(
        {"gates.max_latency_ms": 30.0, "serving.max_body_bytes": 6_000_000, "serving.max_pixels": 25_000_000}
    ),
    peers=(),
    read=read.read,
    is_empty=read.is_empty,
    near_duplicates=near_duplicates.pairs,
    notes=_notes,
    row_length=_row_length,
    public_words=lambda config, base: (),
    fit_prelude=later(_HERE, "prelude.fit_for"),
    network_inputs=later(_HERE, "students.network_inputs"),
    batches=later(_HERE, "batches.batches"),
    feeds=pixels.feeds,
    augment=later(_HERE, "augment.copies"),
    default_copies=lambda rows, length: max(0, min(_COPIES, _MOST_ROWS // max(rows, 1) - 1)),
    perturb=later(_HERE, "slips.rows"),
    scramble=later(_HERE, "slips.scrambled"),
    scrambled="test pictures cut into 8 x 8 tiles that are shuffled, against the same pictures as they are",
    novelty=later(_HERE, "novelty.two_scores"),
    baseline=BaselineParts(
        "histograms of gradients and colours",
        later("distill.teachers", "histograms.scaler"),
        later("distill.teachers", "histograms.of_rows"),
    ),
    discloses="`model.onnx` holds no picture: of the training pictures it has the weights that were learned from them",
    golden_inputs=golden.inputs,
    openapi=OPENAPI,
    page_examples=_page_examples,
    parse=_parse,
    blank_is_input=False,
    of_file=lambda content: base64.b64encode(content).decode(),
)
