"""A picture of any size to S x S pixels and on to scaled numbers, inside the graph.

The resize is Pillow's bilinear one to one level of 255 (`exclude_outside` leaves out of a weighted mean what lies
beyond the border, as Pillow does; without it a border is up to 13 levels off). A picture of S x S is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from distill.data.pixels import COLUMN as PIXELS
from distill.data.rows import Dataset
from distill.modalities.prelude import FEATURES, IR_VERSION, OPSETS, Prelude
from distill.recipe.schema import Student

RESIZED = "resized"  # its optional output, uint8 [N,S,S,3]
SIZE = 128  # pixels a side, where neither recipe nor kind says
FIT = "crop"
# Of a pixel's 0..255, as EfficientNet-Lite0 was trained; the mean is also what a letterbox is filled with.
MEAN, DEVIATION = 127, 128

_Constants: TypeAlias = dict[str, np.typing.NDArray[np.generic]]


@dataclass(frozen=True)
class PicturePrelude(Prelude):
    """Pictures -> FEATURES, float32 [N,3,S,S] around zero, and RESIZED. `width` is S."""


def fit_for(config: Student, dataset: Dataset, *_: object) -> PicturePrelude:
    """The prelude of the student's size and fit. There is nothing to learn from rows."""
    return made(config.size or SIZE, config.fit or FIT)


def made(size: int, fit: str) -> PicturePrelude:
    """The graph for S = `size`. `fit`: a key of FITS."""
    nodes, constants = FITS[fit](size)
    nodes = [
        *nodes,
        _node("Cast", [RESIZED], "levels", to=TensorProto.FLOAT),
        _node("Sub", [_name("levels"), _name("mean")], "centred"),
        _node("Div", [_name("centred"), _name("deviation")], "scaled"),
        helper.make_node("Transpose", [_name("scaled")], [FEATURES], name=_name("to_planes"), perm=[0, 3, 1, 2]),
    ]
    constants |= {"mean": np.array(MEAN, np.float32), "deviation": np.array(DEVIATION, np.float32)}
    graph = helper.make_graph(
        nodes,
        "prelude",
        [helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, ["N", "H", "W", 3])],
        [
            helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["N", 3, size, size]),
            helper.make_tensor_value_info(RESIZED, TensorProto.UINT8, ["N", size, size, 3]),
        ],
        [numpy_helper.from_array(np.asarray(value), _name(name)) for name, value in constants.items()],
    )
    return PicturePrelude(helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION), width=size)


def _stretch(size: int) -> tuple[list[onnx.NodeProto], _Constants]:
    """Both sides to S, whatever that does to the shape of things."""
    shape, constants = _shape()
    return [*shape, *_resized(PIXELS, ["side", "side"], RESIZED)], constants | _side(size)


def _crop(size: int) -> tuple[list[onnx.NodeProto], _Constants]:
    """The square in the middle, to S."""
    shape, constants = _shape()
    nodes = [
        *shape,
        _node("Min", [_name("height"), _name("width")], "shorter"),
        *_half(["height", "shorter"], "top"),
        *_half(["width", "shorter"], "left"),
        _node("Add", [_name("top"), _name("shorter")], "bottom"),
        _node("Add", [_name("left"), _name("shorter")], "right"),
        _node("Concat", [_name("top"), _name("left")], "begins", axis=0),
        _node("Concat", [_name("bottom"), _name("right")], "ends", axis=0),
        _node("Slice", [PIXELS, _name("begins"), _name("ends"), _name("sides")], "square"),
        *_resized(_name("square"), ["side", "side"], RESIZED),
    ]
    return nodes, constants | _side(size) | {"sides": np.array([1, 2], np.int64), "two": np.array([2], np.int64)}


def _letterbox(size: int) -> tuple[list[onnx.NodeProto], _Constants]:
    """The longer side to S, and what the shorter one lacks filled with grey on both of its ends."""
    shape, constants = _shape()
    nodes = [*shape, _node("Max", [_name("height"), _name("width")], "longer")]
    for side in ("height", "width"):  # rounded to the nearest, at least a pixel
        nodes += [
            _node("Mul", [_name(side), _name("twice")], f"{side}_times"),
            _node("Add", [_name(f"{side}_times"), _name("longer")], f"{side}_and_half"),
            _node("Mul", [_name("longer"), _name("two")], f"{side}_doubled"),
            _node("Div", [_name(f"{side}_and_half"), _name(f"{side}_doubled")], f"{side}_whole"),
            _node("Max", [_name(f"{side}_whole"), _name("one")], f"new_{side}"),
        ]
    nodes += [
        *_resized(PIXELS, ["new_height", "new_width"], _name("fitted")),
        *_half(["side", "new_height"], "above"),
        *_half(["side", "new_width"], "before"),
        *_rest("side", "new_height", "above", "below"),
        *_rest("side", "new_width", "before", "behind"),
        _node("Concat", [_name("above"), _name("before"), _name("below"), _name("behind")], "pads", axis=0),
        helper.make_node(
            "Pad", [_name("fitted"), _name("pads"), _name("grey"), _name("sides")], [RESIZED], name=_name("pad")
        ),
    ]
    more: _Constants = {
        "twice": np.array([2 * size], np.int64),
        "two": np.array([2], np.int64),
        "one": np.array([1], np.int64),
        "grey": np.array(MEAN, np.uint8),
        "sides": np.array([1, 2], np.int64),
    }
    return nodes, constants | _side(size) | more


FITS: Mapping[str, Callable[[int], tuple[list[onnx.NodeProto], _Constants]]] = MappingProxyType(
    {"crop": _crop, "letterbox": _letterbox, "stretch": _stretch}
)


def _shape() -> tuple[list[onnx.NodeProto], _Constants]:
    """Rows, height, width and channels of the picture, each [1]."""
    names = ("rows", "height", "width", "channels")
    nodes = [_node("Shape", [PIXELS], "shape")]
    nodes.append(
        helper.make_node("Split", [_name("shape")], [_name(name) for name in names], _name("split"), num_outputs=4)
    )
    return nodes, {}


def _side(size: int) -> _Constants:
    return {"side": np.array([size], np.int64)}


def _resized(picture: str, sides: Sequence[str], output: str) -> list[onnx.NodeProto]:
    """Pillow's bilinear resize to local names of height and width [1]."""
    return [
        _node("Concat", [_name(name) for name in ("rows", *sides, "channels")], "sizes", axis=0),
        helper.make_node(
            "Resize",
            [picture, "", "", _name("sizes")],
            [output],
            name=_name("resize"),
            mode="linear",
            coordinate_transformation_mode="half_pixel",
            antialias=1,
            exclude_outside=1,
        ),
    ]


def _half(sides: Sequence[str], output: str) -> list[onnx.NodeProto]:
    """Half of what the first is longer than the second, rounded down."""
    return [
        _node("Sub", [_name(side) for side in sides], f"{output}_both"),
        _node("Div", [_name(f"{output}_both"), _name("two")], output),
    ]


def _rest(whole: str, part: str, before: str, output: str) -> list[onnx.NodeProto]:
    return [
        _node("Sub", [_name(whole), _name(part)], f"{output}_both"),
        _node("Sub", [_name(f"{output}_both"), _name(before)], output),
    ]


def _name(local: str) -> str:
    return f"limbeck/pixels/{local}"


def _node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 - ONNX's
    return helper.make_node(op, inputs, [_name(output)], name=_name(f"make_{output}"), **attributes)
