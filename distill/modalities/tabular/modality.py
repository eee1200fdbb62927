"""Rows of columns, as the spine sees them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import MappingProxyType

from distill.modalities.modality import BaselineParts, Budget, Modality, StudentKind, later
from distill.modalities.tabular import augment, golden, near_duplicates, read
from distill.modalities.tabular.openapi import OPENAPI
from handler.bundle.contract import Serving
from handler.errors import RequestError
from handler.http import strict_json

_HERE = __package__ or ""
# To the end, where the learning rate is low: on 50,000 rows, copies among them, the best of 20 epochs came 17th and
# scored 0.848, where one that stopped when nothing was gained in five had 0.838. With copies, 1,500 updates of 128 rows
# are as good as 6,000 of 32 (six tables of 320 to 3,041 rows), and take a third of the time.
# The wider network is worth its bytes where there is enough to learn from (3,000 mails: log loss 0.159 against 0.165).
_BUDGET = Budget(
    1500,
    most_rows=2_000_000,
    defaults=MappingProxyType({"epochs": 40}),
    many_rows=20_000,
    of_many=MappingProxyType({"width": 256}),
    to_the_end=True,
)


def _page_examples(golden: Sequence[object]) -> list[object]:
    """Rows with every column: the first three are quantiles, the fourth is empty, and what follows spoils a column."""
    rows = [row for row in golden if isinstance(row, dict)]
    return [row for row in rows[:3] if any(value is not None for value in row.values())]


def _parse(text: str, serving: Serving) -> object:
    try:
        return strict_json.loads(text.encode(errors="surrogatepass"), serving.limits.max_depth)
    except RequestError as error:
        detail = error.detail.split(" Send a JSON object such as")[0].replace("The body", "It", 1)
        columns = json.dumps({column.name: None for column in serving.inputs[:1]}, ensure_ascii=False)
        raise RequestError(error.status, error.kind, f"{detail} Wanted a JSON object such as {columns}.") from None


TABULAR = Modality(
    name="tabular",
    rows_are="rows of columns",
    package=_HERE,
    claims=lambda data: True,  # what no other kind of input is
    teacher_kinds=("stack", "boosted_trees", "extra_trees", "linear", "precomputed"),
    stack=("boosted_trees", "extra_trees", "linear"),
    students=MappingProxyType(
        {
            "mlp": StudentKind(later(_HERE, "students.build"), _BUDGET),
            "embedded": StudentKind(later(_HERE, "embedding_student.build"), _BUDGET),
        }
    ),
    usual=("mlp",),
    candidates=MappingProxyType(
        {
            "mlp-16": {"kind": "mlp", "width": 16},
            "mlp-128": {"kind": "mlp", "width": 128},
            "embedded-128": {"kind": "embedded", "width": 128},
            "embedded-256": {"kind": "embedded", "width": 256, "layers": 2},
        }
    ),
    compared=("mlp-128", "embedded-128"),
    unused=frozenset(
        {"transfer.replace", "transfer.misspell", "transfer.words", "student.buckets", "student.misspellings"}
        | {"student.size", "student.fit", "student.blocks", "transfer.forbid", "teacher.size"}
    ),
    peers=(),
    read=read.read,
    is_empty=read.is_empty,
    near_duplicates=near_duplicates.pairs,
    notes=lambda recipe, dataset: (),
    row_length=lambda rows, student: 1.0,
    public_words=lambda config, base: (),
    fit_prelude=later(_HERE, "prelude.fit_for"),
    network_inputs=later(_HERE, "students.network_inputs"),
    batches=later(_HERE, "students.batches"),
    augment=augment.copies,
    default_copies=augment.default_copies,
    perturb=None,
    scramble=lambda rows, random: {name: it[random.permutation(len(rows))] for name, it in rows.columns.items()},
    scrambled="test rows with every column shuffled on its own, against the same rows as they are",
    novelty=later(_HERE, "novelty.distance"),
    baseline=BaselineParts(
        "scaled and one-hot columns",
        later("distill.teachers", "linear_features.of_columns"),
        later("distill.teachers", "linear_features.cells"),
    ),
    discloses="the categories known to `model.onnx` can be read by whoever has the file, with the columns' names and "
    "statistics: every category in it",
    golden_inputs=golden.inputs,
    openapi=OPENAPI,
    page_examples=_page_examples,
    parse=_parse,
    blank_is_input=False,
)
