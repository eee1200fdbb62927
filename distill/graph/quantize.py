"""Weight-only integers: weights are stored in eight or four bits and computed with as floats.

Activations stay float, so an answer neither depends on the rows beside it (dynamic int8 does) nor saturates on
processors without VNNI (U8S8 does). Weights are turned back with plain arithmetic rather than DequantizeLinear: every
ONNX Runtime folds that when the session opens, while it keeps a DequantizeLinear and pays for it on every call. Of a
table that rows are looked up in, only those rows are turned back, by one node (10 rows of 64 in four bits: 0.6 µs
above a look-up of floats, where eight plain nodes take 2.3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from distill.graph.export import Graph, clean, float_initializers

# Below this, a scale a channel and two nodes cost more than integers save.
_SMALLEST = 512
# A matrix smaller than this stays in eight bits: four save little of it, and cost more than of a table of words (1.0
# point of accuracy of a convolution of 25,000 weights on VADER's validation rows, where its table cost nothing).
_WORTH_HALVING = 1 << 16
_CLIPS = np.linspace(0.5, 1.0, 11)  # shares of a channel's range that four bits may spread over
_CHANNELS = {"GRU": (0, 1), "Conv": (0,)}  # the axes of direction and unit; of output channels
_SMALLEST_BLOCK = 16  # that GatherBlockQuantized takes
_PREFIX = "limbeck/integers"
_SHARED: Mapping[str, np.typing.NDArray[np.generic]] = {
    f"{_PREFIX}/low_half": np.array(15, np.uint8),
    f"{_PREFIX}/four": np.array(4, np.uint8),
    f"{_PREFIX}/middle": np.array(8, np.float32),
}

Floats = np.typing.NDArray[np.float32]


@dataclass(frozen=True)
class _Stored:
    """One weight as integers: what stands in the file, and whether two of them share a byte."""

    name: str
    integers: np.typing.NDArray[np.generic]  # int8, or uint8 of half the columns
    scale: Floats
    shape: tuple[int, ...]  # of the weight
    halved: bool

    @property
    def place(self) -> str:
        """The name of the integers."""
        return f"{self.name}/int{4 if self.halved else 8}"

    def tensors(self) -> dict[str, np.typing.NDArray[np.generic]]:
        """What is stored, by name."""
        shape = {f"{self.name}/shape": np.array(self.shape, np.int64)} if self.folded else {}
        return {self.place: self.integers, f"{self.name}/scale": self.scale, **shape}

    @property
    def folded(self) -> bool:
        """Whether the integers stand in fewer dimensions than the weight."""
        return self.halved and self.integers.ndim < len(self.shape)

    def restored(self) -> list[onnx.NodeProto]:
        """Nodes that make the weight, under its own name; they are folded when the session opens."""
        nodes = _floats(self.place, f"{self.name}/float", self.halved)
        floats = f"{self.name}/float"
        if self.folded:
            floats = f"{self.name}/unfolded"
            nodes.append(
                helper.make_node("Reshape", [f"{self.name}/float", f"{self.name}/shape"], [floats], f"{floats}/make")
            )
        return [*nodes, helper.make_node("Mul", [floats, f"{self.name}/scale"], [self.name], f"{self.name}/make")]


@dataclass(frozen=True)
class _Table:
    """An embedding as bytes, with a scale a row [V,1]. Two integers in one byte are neighbours, low bits first."""

    name: str
    integers: np.typing.NDArray[np.generic]  # uint8, above the middle of their range, which stands for zero
    scale: Floats
    bits: int

    def tensors(self) -> dict[str, np.typing.NDArray[np.generic]]:
        """What is stored, by name."""
        return {f"{self.name}/uint{self.bits}": self.integers, f"{self.name}/scale": self.scale}

    def gathered(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """Look up and scale the rows alone: scaling the whole table would cost every call."""
        columns = self.integers.shape[1] * 8 // self.bits
        return helper.make_node(
            "GatherBlockQuantized",
            [f"{self.name}/uint{self.bits}", node.input[1], f"{self.name}/scale"],
            [node.output[0]],
            f"{node.output[0]}/look_up",
            domain="com.microsoft",
            bits=self.bits,
            block_size=max(_SMALLEST_BLOCK, 1 << (columns - 1).bit_length()),  # a row is one block
            gather_axis=0,
            quantize_axis=1,
        )


def weights(graph: Graph, bits: int = 8) -> Graph:
    """Store every large float initializer as integers with a scale a channel (an embedding: a scale a row).

    `bits`: 8, or 4, two to a byte, for embeddings and large matrices of an even number of columns.
    """
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    large = {
        name: values
        for name, values in float_initializers(model).items()
        if values.size >= _SMALLEST and values.ndim > 1
    }
    tables = {name: _table(name, values, bits) for name, values in large.items() if _is_table(model, name)}
    stored = {name: _stored(model, name, values, bits) for name, values in large.items() if name not in tables}
    made: tuple[_Table | _Stored, ...] = (*tables.values(), *stored.values())
    tensors = {name: value for weight in made for name, value in weight.tensors().items()}
    if any(weight.halved for weight in stored.values()):
        tensors |= _SHARED
    kept = [tensor for tensor in model.graph.initializer if tensor.name not in large]
    del model.graph.initializer[:]
    model.graph.initializer.extend([*kept, *(numpy_helper.from_array(value, name) for name, value in tensors.items())])
    nodes: list[onnx.NodeProto] = []
    restored: set[str] = set()
    for node in model.graph.node:
        if node.op_type == "Gather" and node.input[0] in tables:
            nodes.append(tables[node.input[0]].gathered(node))
            continue
        wanted = [name for name in dict.fromkeys(node.input) if name in stored and name not in restored]
        restored.update(wanted)
        nodes += [*(one for name in wanted for one in stored[name].restored()), node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return Graph(clean(model))


def stored_bytes(shape: Sequence[int], bits: int, table: bool) -> int:
    """About how many bytes `weights` stores for a weight of this shape. `table`: one that rows are looked up in."""
    size = math.prod(shape)
    if len(shape) == 1 or size < _SMALLEST:
        return 4 * size
    return size // (2 if bits == 4 and (table or size >= _WORTH_HALVING) else 1) + 4 * shape[0]


def _is_table(model: onnx.ModelProto, name: str) -> bool:
    """Whether rows are looked up in a weight, and nothing else is done with it."""
    readers = [node for node in model.graph.node if name in node.input]
    return all(node.op_type == "Gather" and node.input[0] == name for node in readers)


def _table(name: str, values: Floats, bits: int) -> _Table:
    if bits == 4 and values.shape[1] % 2 == 0:
        integers, scale = _int4(values, (1,))
        halves = (integers + 8).astype(np.uint8)
        return _Table(name, halves[:, ::2] | (halves[:, 1::2] << 4), scale, bits=4)
    integers, scale = _int8(values, (1,))
    return _Table(name, (integers.astype(np.int16) + 128).astype(np.uint8), scale, bits=8)


def _stored(model: onnx.ModelProto, name: str, values: Floats, bits: int) -> _Stored:
    channels = _channels(model, name, values)
    others = tuple(axis for axis in range(values.ndim) if axis not in channels)
    columns = values.shape[-1] if values.shape[-1] % 2 == 0 else values[0].size
    if bits == 4 and columns % 2 == 0 and values.size >= _WORTH_HALVING:
        integers, scale = _int4(values, others)
        flat = integers if columns == values.shape[-1] else integers.reshape(-1, columns)
        halves = (flat + 8).astype(np.uint8)
        packed = halves[..., : columns // 2] | (halves[..., columns // 2 :] << 4)
        return _Stored(name, packed, scale, values.shape, halved=True)
    integers, scale = _int8(values, others)
    return _Stored(name, integers, scale, values.shape, halved=False)


def _floats(integers: str, output: str, halved: bool) -> list[onnx.NodeProto]:
    """Nodes from stored integers to floats without a scale. The lower of two in a byte is of the first half."""
    if not halved:
        return [helper.make_node("Cast", [integers], [output], f"{output}/cast", to=TensorProto.FLOAT)]
    return [
        helper.make_node("BitwiseAnd", [integers, f"{_PREFIX}/low_half"], [f"{output}/first"], f"{output}/and"),
        helper.make_node(
            "BitShift", [integers, f"{_PREFIX}/four"], [f"{output}/second"], f"{output}/shift", direction="RIGHT"
        ),
        helper.make_node(
            "Concat", [f"{output}/first", f"{output}/second"], [f"{output}/both"], f"{output}/join", axis=-1
        ),
        helper.make_node("Cast", [f"{output}/both"], [f"{output}/cast"], f"{output}/make_cast", to=TensorProto.FLOAT),
        helper.make_node("Sub", [f"{output}/cast", f"{_PREFIX}/middle"], [output], f"{output}/centre"),
    ]


def _int8(values: Floats, others: tuple[int, ...]) -> tuple[np.typing.NDArray[np.int8], Floats]:
    """Symmetric, -127..127, one scale a channel. `others`: the axes that are no channels."""
    scale = _range(values, others) / np.float32(127)
    return np.rint(values / scale).astype(np.int8), scale


def _int4(values: Floats, others: tuple[int, ...]) -> tuple[np.typing.NDArray[np.int8], Floats]:
    """Symmetric, -8..7, one scale a channel: the one among a few that leaves the smallest mean squared error.

    So few steps are better spent on the many values near zero than on the few at the ends (Banner et al., 2019, "Post
    training 4-bit quantization of convolutional networks"). `others`: the axes that are no channels.
    """
    whole = _range(values, others) / np.float32(7)
    best, least = whole, np.full(whole.shape, np.inf, np.float32)
    for share in _CLIPS:
        scale = (whole * np.float32(share)).astype(np.float32)
        error = ((np.clip(np.rint(values / scale), -8, 7) * scale - values) ** 2).sum(axis=others, keepdims=True)
        best, least = np.where(error < least, scale, best), np.minimum(error, least)
    return np.clip(np.rint(values / best), -8, 7).astype(np.int8), best.astype(np.float32)


def _range(values: Floats, others: tuple[int, ...]) -> Floats:
    """The largest magnitude of each channel, 1 where all is zero; `others`: the axes that are no channels, kept."""
    largest = np.abs(values).max(axis=others, keepdims=True)
    return np.where(largest == 0, np.float32(1), largest).astype(np.float32)


def _channels(model: onnx.ModelProto, name: str, values: Floats) -> tuple[int, ...]:
    """The axes of output channels: first for Conv and transposed Gemm, last for MatMul and plain Gemm."""
    for node in (node for node in model.graph.node if name in node.input):
        if node.op_type == "Gemm":
            return (0,) if any(item.name == "transB" and item.i for item in node.attribute) else (1,)
        if node.op_type in _CHANNELS:
            return _CHANNELS[node.op_type]
    return (values.ndim - 1,)
