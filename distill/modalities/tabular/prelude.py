"""Columns to one feature row, inside the graph: impute, scale, one-hot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from distill.data.rows import Dataset
from distill.modalities.prelude import FEATURES, IR_VERSION, OPSETS, Prelude
from distill.privacy.disclosure import MIN_ROWS
from distill.recipe.schema import Student
from handler.bundle.contract import Input

MAX_CATEGORIES = 256
# Scaled numbers end here: one absurd value must not drown the other columns.
CLIP = 8.0
# Raw numbers end here, so that no difference or product of them is infinite in float32, and zero times it no NaN.
LARGEST = 1e30
PIECES = 8
# An embedded number can be cut finer than one that every unit reads: 16 more take an mlp of ten columns 20 KB.
_PIECES: Mapping[str, int] = {"mlp": 8, "embedded": 32}
_ENDS = (0.025, 0.975)
_PIECE_ROWS = 10  # that lie in a piece at least
_FINEST = 2.0**-22  # of a number in deviations: much nearer, float32 does not tell values apart


@dataclass(frozen=True)
class TabularPrelude(Prelude):
    """Columns -> FEATURES, float32 [N,F]: numbers, flags of holes, and a block a category. `width` is F."""

    numbers: int = 0  # how many of the features are numbers; they come first
    categories: tuple[int, ...] = ()  # features a category; they come last
    pieces: tuple[tuple[int, float, float], ...] = ()  # (feature, from, to) a piece between quantiles of a number

    def features(self, columns: Mapping[str, np.typing.NDArray[np.generic]]) -> np.typing.NDArray[np.float32]:
        """Run the graph over number and category columns of N rows: float32 [N,F]."""
        parts = list(self.run(columns))
        features = np.zeros((sum(len(chunk) for chunk, _ in parts), self.width), np.float32)
        for chunk, (part,) in parts:
            features[chunk] = part
        return features


def fit(
    inputs: Sequence[Input], columns: Mapping[str, np.typing.NDArray[np.generic]], pieces: int = PIECES
) -> TabularPrelude:
    """Learn medians, scales and categories from training columns of [N] and build the graph.

    A number becomes (value - mean) / deviation with holes at the median and, where training rows had holes, a flag.
    A category becomes a one-hot block, with a place for "missing" where training rows had it; an unknown one is all
    zeros. Categories in fewer than MIN_ROWS rows are not stored. Features stand in the order numbers, flags, blocks.
    `pieces`: into how many each number is cut, of rows enough.
    """
    numbers = [column.name for column in inputs if column.dtype == "float32"]
    categories = [column.name for column in inputs if column.dtype == "string"]
    known = [_known(columns[name]) for name in categories]
    nodes, constants, parts, width = _numbers(numbers, columns) if numbers else ([], {}, [], 0)
    for place, (name, found) in enumerate(zip(categories, known, strict=True)):
        nodes += _category(place, name, list(found))
        constants |= {
            _name("off_on"): np.array([0, 1], np.float32),
            _name(f"depth_{place}"): np.array(_depth(found), np.int64),
        }
        parts.append(_name(f"hot_{place}"))
    nodes.append(helper.make_node("Concat", parts, [FEATURES], name=_name("join"), axis=1))
    depths = tuple(map(_depth, known))
    types = {"float32": TensorProto.FLOAT, "string": TensorProto.STRING}
    values = [helper.make_tensor_value_info(column.name, types[column.dtype], ["N"]) for column in inputs]
    output = helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["N", width + sum(depths)])
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "prelude", values, [output], tensors)
    prelude = TabularPrelude(
        model=helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION),
        width=width + sum(depths),
        vocabulary_rows=min((rows for found in known for rows in found.values()), default=0),
        numbers=len(numbers),
        categories=depths,
    )
    return replace(prelude, pieces=_pieces(prelude.features(columns)[:, : len(numbers)], pieces))


def fit_for(config: Student, dataset: Dataset, *_: object) -> TabularPrelude:
    """The prelude of one kind of student; what the teacher says of the transfer set matters to none."""
    return fit(dataset.inputs, dataset.train.columns, _PIECES[str(config.kind)])


def _pieces(scaled: np.typing.NDArray[np.generic], count: int) -> tuple[tuple[int, float, float], ...]:
    """Between quantiles of each number that has more than two values.

    The ends lie within the values and every knot is rounded: an extreme would be somebody's own value, in the clear.
    """
    pieces = []
    count = max(1, min(count, len(scaled) // _PIECE_ROWS))
    for feature, values in enumerate(scaled.astype(np.float64).T):
        if len(np.unique(values)) > 2:
            knots = _rounded(np.unique(np.quantile(values, np.linspace(*_ENDS, count + 1))))
            pieces += [(feature, low, high) for low, high in zip(knots[:-1].tolist(), knots[1:].tolist(), strict=True)]
    return tuple(pieces)


def _rounded(knots: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    """Each to an eighth or a sixteenth of the gap to the nearest other one.

    One step for all would not do: where a few values of -999 set the scale, the others lie within a step.
    """
    gaps = np.diff(knots, prepend=-np.inf, append=np.inf)
    nearest = np.minimum(gaps[:-1], gaps[1:])
    steps = 2.0 ** (np.floor(np.log2(np.where(np.isfinite(nearest), nearest, 1.0))) - 3)
    steps = np.maximum(steps, _FINEST)
    return np.unique(np.round(knots / steps) * steps)


def _numbers(
    names: list[str], columns: Mapping[str, np.typing.NDArray[np.generic]]
) -> tuple[list[onnx.NodeProto], dict[str, np.typing.NDArray[np.generic]], list[str], int]:
    """Nodes, their constants, the tensors that are features, and how many features those have."""
    table = np.stack([columns[name] for name in names], axis=1).astype(np.float64)
    finite = np.where(np.isfinite(table), np.clip(table, -LARGEST, LARGEST), np.nan)
    holes = np.isnan(table).any(axis=0)
    finite[:, np.isnan(finite).all(axis=0)] = 0.0
    median = np.nanmedian(finite, axis=0)
    # Mean and deviation of the values between the 0.5% and 99.5% points, so that outliers do not set the scale.
    low, high = np.nanpercentile(finite, [0.5, 99.5], axis=0)
    trimmed = np.clip(np.where(np.isnan(finite), median, finite), low, high)
    mean, deviation = trimmed.mean(axis=0), trimmed.std(axis=0)
    scale = np.where(deviation > 1e-12 * np.abs(mean), 1 / np.maximum(deviation, 1 / LARGEST), 0.0)
    constants: dict[str, np.typing.NDArray[np.generic]] = {
        "axis": np.array([1], np.int64),
        "median": median.astype(np.float32),
        "mean": mean.astype(np.float32),
        "scale": scale.astype(np.float32),
        "low": np.array(-CLIP, np.float32),
        "high": np.array(CLIP, np.float32),
        "lowest": np.array(-LARGEST, np.float32),
        "highest": np.array(LARGEST, np.float32),
    }
    nodes = [
        *(_node("Unsqueeze", [name, _name("axis")], f"number_{place}") for place, name in enumerate(names)),
        _node("Concat", [_name(f"number_{place}") for place in range(len(names))], "numbers", axis=1),
        _node("IsNaN", [_name("numbers")], "holes"),
        _node("Where", [_name("holes"), _name("median"), _name("numbers")], "full"),
        _node("Clip", [_name("full"), _name("lowest"), _name("highest")], "bounded"),
        _node("Sub", [_name("bounded"), _name("mean")], "centred"),
        _node("Mul", [_name("centred"), _name("scale")], "scaled"),
        _node("Clip", [_name("scaled"), _name("low"), _name("high")], "clipped"),
    ]
    parts = ["clipped"]
    if holes.any():
        constants["with_holes"] = np.flatnonzero(holes).astype(np.int64)
        nodes += [
            _node("Cast", [_name("holes")], "hole_flags", to=TensorProto.FLOAT),
            _node("Gather", [_name("hole_flags"), _name("with_holes")], "flags", axis=1),
        ]
        parts.append("flags")
    named = {_name(local): value for local, value in constants.items()}
    return nodes, named, list(map(_name, parts)), len(names) + int(holes.sum())


def _known(values: np.typing.NDArray[np.generic]) -> dict[str, int]:
    """The categories that are stored, the commonest first, each with its number of rows."""
    counts = Counter(values.tolist())
    ranked = sorted((-rows, str(value)) for value, rows in counts.items() if rows >= MIN_ROWS)[:MAX_CATEGORIES]
    return {value: -rows for rows, value in ranked}


def _depth(known: Collection[str]) -> int:
    return max(len(known), 1)


def _category(place: int, name: str, known: list[str]) -> list[onnx.NodeProto]:
    places = {value: place for place, value in enumerate(known or [""])}
    return [
        helper.make_node(
            "LabelEncoder",
            [name],
            [_name(f"category_{place}")],
            name=_name(f"look_up_{place}"),
            domain="ai.onnx.ml",
            keys_strings=list(places),
            values_int64s=list(places.values()),
            default_int64=_depth(known),  # beyond the depth: OneHot makes it all zeros
        ),
        _node("OneHot", [_name(f"category_{place}"), _name(f"depth_{place}"), _name("off_on")], f"hot_{place}"),
    ]


def _name(local: str) -> str:
    return f"limbeck/columns/{local}"


def _node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 - ONNX\'s
    return helper.make_node(op, inputs, [_name(output)], name=_name(f"make_{output}"), **attributes)
