"""Names inside the graph for what computes a novelty score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

_INSIDE = "limbeck/"


def named(constants: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, npt.NDArray[np.generic]]:
    """Constants under their names in the graph."""
    return {name(local): np.asarray(value) for local, value in constants.items()}


def node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 - ONNX's
    """A node between local names, and tensors from elsewhere in the graph under their whole names."""
    made = f"limbeck/novelty/make_{output}"
    return helper.make_node(op, [name(item) for item in inputs], [name(output)], made, **attributes)


def name(local: str) -> str:
    """A local name in the graph."""
    return local if local.startswith(_INSIDE) else f"limbeck/novelty/{local}"
