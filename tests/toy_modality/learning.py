"""The toy modality as the spine sees it: a single number a row, read by one layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.preprocessing import FunctionTransformer
from torch import Tensor, nn

from distill.data.readers.cells import Table
from distill.data.rows import Dataset, Rows
from distill.modalities.modality import (
    AT_ONCE,
    BaselineParts,
    Budget,
    Columns,
    Floats,
    Modality,
    NetworkInput,
    NoveltyScore,
    OpenApi,
    StudentKind,
)
from distill.modalities.prelude import DESCRIPTION, FEATURES, IR_VERSION, OPSETS, Prelude, score_constants, score_node
from distill.recipe.schema import Data, Student, Transfer
from distill.teachers.teacher import Teacher
from handler.bundle.contract import Input, Limits, Serving

NAME = "level"


class OneLayer(nn.Module):
    """Features [N,1] -> logits [N,K] and the features themselves, for novelty."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(1, classes)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.linear(features), torch.clone(features)


@dataclass(frozen=True)
class LevelRows:
    features: npt.NDArray[np.float32]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        return np.ones(len(self.features), np.int64)

    @property
    def at_once(self) -> int:
        return AT_ONCE

    def batch(self, places: npt.NDArray[np.int64]) -> tuple[Tensor, ...]:
        return (torch.from_numpy(self.features[places]),)


def read(table: Table, data: Data, labels: npt.NDArray[np.object_]) -> tuple[tuple[Input, ...], Columns, list[str]]:
    cells = table.column(NAME, "data.columns")
    return (Input(NAME, "float32", NAME),), {NAME: np.array([float(cell) for cell in cells], np.float32)}, []


def fit_prelude(
    config: Student, dataset: Dataset, transfer: Rows | None, public: Sequence[str], teacher: Teacher | None
) -> Prelude:
    levels = dataset.train.columns[NAME].astype(np.float64)
    constants = {"mean": np.float32(levels.mean()), "deviation": np.float32(levels.std()), "axis": np.array([1])}
    nodes = [
        helper.make_node("Sub", [NAME, "limbeck/level/mean"], ["limbeck/level/centred"], "limbeck/level/centre"),
        helper.make_node(
            "Div", ["limbeck/level/centred", "limbeck/level/deviation"], ["limbeck/level/scaled"], "limbeck/level/scale"
        ),
        helper.make_node("Unsqueeze", ["limbeck/level/scaled", "limbeck/level/axis"], [FEATURES], "limbeck/level/row"),
    ]
    graph = helper.make_graph(
        nodes,
        "prelude",
        [helper.make_tensor_value_info(NAME, TensorProto.FLOAT, ["N"])],
        [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["N", 1])],
        [numpy_helper.from_array(np.asarray(value), f"limbeck/level/{name}") for name, value in constants.items()],
    )
    return Prelude(helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION), width=1)


def batches(prelude: Prelude, rows: Rows) -> LevelRows:
    features = np.zeros((len(rows), 1), np.float32)
    for places, (part,) in prelude.run(rows.columns):
        features[places] = part
    return LevelRows(features)


def augment(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, public: Sequence[str], seed: int
) -> Rows:
    raise AssertionError("the test asks for no copies")


def novelty(
    logits: Floats, description: Floats, train: Callable[[], tuple[Floats, npt.NDArray[np.int64]]]
) -> NoveltyScore:
    return NoveltyScore((score_node("Abs", [DESCRIPTION], "score"),), score_constants({}), np.abs(description[:, 0]))


def golden_inputs(inputs: tuple[Input, ...], train: Rows, limits: Limits) -> list[Any]:
    return [-1.0, 0.0, 1.0, 1e6]


def schemas(serving: Serving) -> dict[str, Any]:
    return {"Level": {"type": "number"}}


LEVEL = Modality(
    name=NAME,
    rows_are="levels",
    package=__package__ or "",
    claims=lambda data: data.columns == (NAME,),
    teacher_kinds=("boosted_trees",),
    stack=("boosted_trees",),
    usual=("line",),
    students={"line": StudentKind(lambda config, prelude, classes, start: OneLayer(classes), Budget(200))},
    candidates={"line": {"kind": "line"}},
    compared=("line",),
    unused=frozenset(),
    peers=(),
    read=read,
    is_empty=lambda columns: np.isnan(columns[NAME].astype(np.float64)),
    near_duplicates=lambda columns: (),
    notes=lambda recipe, dataset: (),
    row_length=lambda rows, student: 1.0,
    public_words=lambda config, base: (),
    fit_prelude=fit_prelude,
    network_inputs=lambda prelude: {FEATURES: NetworkInput(torch.zeros((2, 1)), {0: "rows"})},
    batches=batches,
    augment=augment,
    default_copies=lambda rows, length: 0,
    perturb=None,
    scramble=lambda rows, random: {NAME: random.permutation(rows.columns[NAME])},
    scrambled="test rows in another order, against the same rows as they are",
    novelty=novelty,
    baseline=BaselineParts(
        "the level", lambda inputs: FunctionTransformer(), lambda inputs, rows: rows.columns[NAME][:, None]
    ),
    discloses="the mean of the levels is in `model.onnx`: what it was taken over",
    golden_inputs=golden_inputs,
    openapi=OpenApi(
        schemas=schemas,
        tensors={NAME: {"": (("FP32",), {"type": "number"})}},
        input=lambda serving: {"$ref": "#/components/schemas/Level"},
        example=lambda serving: 0.5,
        columns=lambda serving, level: {NAME: level},
        part=lambda serving: ({"whole": {"const": True}}, "the level"),
        explained="inputs",
        predict_problems={},
        infer_problems={},
    ),
    page_examples=lambda golden: [],
    parse=lambda line, serving: float(line),
    blank_is_input=False,
)


def registered(others: Mapping[str, Modality]) -> dict[str, Modality]:
    return {NAME: LEVEL, **others}


def write_rows(path: Path, rows: int = 300) -> None:
    random = np.random.default_rng(0)
    levels = random.normal(size=rows)
    lines = [f"{level:.4f},{'high' if level + random.normal() * 0.1 > 0 else 'low'}" for level in levels]
    path.write_text("level,label\n" + "\n".join(lines) + "\n")
