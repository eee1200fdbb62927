"""Weight-only int8: weights are stored as bytes and computed with as floats.

Activations stay float, so an answer neither depends on the rows beside it (dynamic int8 does) nor saturates on
processors without VNNI (U8S8 does). Weights are turned back with Cast and Mul rather than DequantizeLinear: every
ONNX Runtime folds those two when the session opens, while it keeps a DequantizeLinear and pays for it on every call.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from distill.export import Graph, clean, float_initializers

# Below this, a scale a channel and two nodes cost more than int8 saves.
_SMALLEST = 512
_WORTH_A_SCALE = 8


def weights(graph: Graph) -> Graph:
    """Store every large float initializer as int8 with a scale a channel (an embedding: a scale a row)."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    gathered = {node.input[0] for node in model.graph.node if node.op_type == "Gather"}
    replaced: dict[str, tuple[onnx.TensorProto, onnx.TensorProto]] = {}
    for name, values in float_initializers(model).items():
        if values.size < _SMALLEST or values.ndim < 2:
            continue
        axis = _channel_axis(model, name, values)
        if name in gathered:  # a scale a row, unless a row is too short to pay for one
            axis = 0 if values.shape[1] >= _WORTH_A_SCALE else 1
        quantised, scale = _int8(values, axis)
        replaced[name] = (
            numpy_helper.from_array(quantised, f"{name}/int8"),
            numpy_helper.from_array(scale, f"{name}/scale"),
        )
    kept = [tensor for tensor in model.graph.initializer if tensor.name not in replaced]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.graph.initializer.extend(tensor for pair in replaced.values() for tensor in pair)
    nodes: list[onnx.NodeProto] = []
    restored: set[str] = set()
    for node in model.graph.node:
        if node.op_type == "Gather" and node.input[0] in replaced:
            nodes += _gather(node, scale_a_row=replaced[node.input[0]][1].dims[0] > 1)
            continue
        for name in node.input:
            if name in replaced and name not in restored:
                restored.add(name)
                nodes += [
                    helper.make_node("Cast", [f"{name}/int8"], [f"{name}/float"], f"{name}/cast", to=TensorProto.FLOAT),
                    helper.make_node("Mul", [f"{name}/float", f"{name}/scale"], [name], f"{name}/mul"),
                ]
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return graph.with_model(clean(model))


def _int8(values: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Symmetric, -127..127, one scale along `axis`; the scale keeps every dimension, to broadcast."""
    others = tuple(place for place in range(values.ndim) if place != axis)
    scale = np.abs(values).max(axis=others, keepdims=True) / np.float32(127)
    scale = np.where(scale == 0, np.float32(1), scale).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale


def _channel_axis(model: onnx.ModelProto, name: str, values: npt.NDArray[np.float32]) -> int:
    """The axis of output channels: first for Conv and transposed Gemm, last for MatMul and plain Gemm."""
    for node in model.graph.node:
        if name in node.input:
            if node.op_type == "Conv":
                return 0
            if node.op_type == "Gemm":
                transposed = any(item.name == "transB" and item.i for item in node.attribute)
                return 0 if transposed else 1
    return values.ndim - 1


def _gather(node: onnx.NodeProto, scale_a_row: bool) -> list[onnx.NodeProto]:
    """Look up the int8 row and its scale, then multiply: scaling the whole table would cost every call."""
    table, ids = node.input
    output = node.output[0]
    scale = f"{output}/scale" if scale_a_row else f"{table}/scale"
    nodes = [
        helper.make_node("Gather", [f"{table}/int8", ids], [f"{output}/int8"], f"{output}/gather"),
        helper.make_node("Cast", [f"{output}/int8"], [f"{output}/float"], f"{output}/cast", to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{table}/scale", ids], [scale], f"{output}/gather_scale"),
        helper.make_node("Mul", [f"{output}/float", scale], [output], f"{output}/scale_up"),
    ]
    return [node for node in nodes if scale_a_row or node.name != f"{output}/gather_scale"]
