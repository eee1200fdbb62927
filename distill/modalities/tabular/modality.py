"""Rows of columns, as the spine sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from distill.data.rows import Dataset, Rows
from distill.modalities.modality import (
    BaselineParts,
    Budget,
    Columns,
    Floats,
    Modality,
    NetworkInput,
    NoveltyScore,
    StudentKind,
)
from distill.modalities.tabular import read
from distill.modalities.tabular.openapi import OPENAPI
from distill.recipe.schema import Student, Transfer
from distill.teachers.teacher import Teacher
from handler.bundle.contract import Input, Limits, Serving
from handler.errors import RequestError
from handler.http import strict_json

if TYPE_CHECKING:
    import torch
    from sklearn.compose import ColumnTransformer

    from distill.modalities.initialization import Start
    from distill.modalities.prelude import Prelude
    from distill.modalities.tabular.prelude import TabularPrelude
    from distill.modalities.tabular.students import FeatureRows

_WIDTH = 128
# An embedded number can be cut finer than one that every unit reads: 16 more take an mlp of ten columns 20 KB.
_PIECES: Mapping[str, int] = MappingProxyType({"mlp": 8, "embedded": 32})
# 6,000 rows in five classes scored 0.70 in 940 updates, 0.75 in 6,000, of a teacher's 0.76. And to the end, where the
# learning rate is low: on 50,000 rows, copies among them, the best of 20 epochs came 17th and scored 0.848, where one
# that stopped when nothing was gained in five had 0.838.
_BUDGET = Budget(6000, to_the_end=True)


def _build_mlp(config: Student, prelude: Prelude, classes: int, start: Start) -> torch.nn.Module:
    from distill.modalities.tabular.students import MlpStudent

    prelude = cast("TabularPrelude", prelude)
    sizes = (config.width or _WIDTH, config.layers or 1, classes, config.dropout)
    return MlpStudent(prelude.width, *sizes, prelude.pieces)


def _build_embedded(config: Student, prelude: Prelude, classes: int, start: Start) -> torch.nn.Module:
    from distill.modalities.tabular.embedding_student import EmbeddedStudent

    sizes = (config.width or _WIDTH, config.layers or 1, classes, config.dropout)
    return EmbeddedStudent(cast("TabularPrelude", prelude), *sizes)


def _fit_prelude(
    config: Student, dataset: Dataset, transfer: Rows | None, public: Sequence[str], teacher: Teacher | None
) -> TabularPrelude:
    from distill.modalities.tabular import prelude

    return prelude.fit(dataset.inputs, dataset.train.columns, _PIECES[str(config.kind)])


def _network_inputs(prelude: Prelude) -> Mapping[str, NetworkInput]:
    import torch

    from distill.modalities.prelude import FEATURES

    return {FEATURES: NetworkInput(torch.zeros((2, prelude.width), dtype=torch.float32), {0: "rows"})}


def _batches(prelude: Prelude, rows: Rows) -> FeatureRows:
    from distill.modalities.tabular.students import FeatureRows

    return FeatureRows(cast("TabularPrelude", prelude).features(rows.columns))


def _augment(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, public: Sequence[str], seed: int
) -> Rows:
    from distill.modalities.tabular import augment

    return augment.varied(train, apart, config.folds, config.augment, seed)


def _scramble(rows: Rows, random: np.random.Generator) -> Columns:
    return {name: column[random.permutation(len(rows))] for name, column in rows.columns.items()}


def _novelty(
    logits: Floats, description: Floats, train: Callable[[], tuple[Floats, npt.NDArray[np.int64]]]
) -> NoveltyScore:
    from distill.modalities.tabular import novelty

    return novelty.distance(*train(), description)


def _baseline_features(inputs: tuple[Input, ...]) -> ColumnTransformer:
    from distill.modalities.tabular import baseline

    return baseline.features(inputs)


def _baseline_table(inputs: tuple[Input, ...], rows: Rows) -> npt.NDArray[np.generic]:
    from distill.modalities.tabular import baseline

    return baseline.table(inputs, rows)


def _golden_inputs(inputs: tuple[Input, ...], train: Rows, limits: Limits) -> list[object]:
    from distill.modalities.tabular import golden

    return golden.inputs(inputs, train, limits)


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
    package=__package__ or "",
    claims=lambda data: True,  # what no other kind of input is
    teacher_kinds=("boosted_trees", "precomputed"),
    students=MappingProxyType(
        {"mlp": StudentKind(_build_mlp, _BUDGET), "embedded": StudentKind(_build_embedded, _BUDGET)}
    ),
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
    ),
    peers=(),
    read=read.read,
    is_empty=read.is_empty,
    notes=lambda recipe, dataset: (),
    row_length=lambda rows, student: 1.0,
    public_words=lambda config, base: (),
    fit_prelude=_fit_prelude,
    network_inputs=_network_inputs,
    batches=_batches,
    augment=_augment,
    perturb=None,
    scramble=_scramble,
    scrambled="test rows with every column shuffled on its own, against the same rows as they are",
    novelty=_novelty,
    baseline=BaselineParts("scaled and one-hot columns", _baseline_features, _baseline_table),
    discloses="the categories known to `model.onnx` can be read by whoever has the file, with the columns' names and "
    "statistics: every category in it",
    golden_inputs=_golden_inputs,
    openapi=OPENAPI,
    page_examples=_page_examples,
    parse=_parse,
    blank_is_input=False,
)
