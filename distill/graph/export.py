"""From a torch student and its prelude to one float ONNX graph: raw inputs -> logits and a description for novelty."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from onnx import compose, helper
from onnxscript import optimizer

from distill.modalities.modality import NetworkInput
from distill.modalities.prelude import DESCRIPTION, IR_VERSION, LOGITS, OPSET, OPSETS
from distill.training.train import Student

_ANY_SIZE = 1 << 40


@dataclass(frozen=True)
class Graph:
    """An ONNX model on its way to the bundle."""

    model: onnx.ModelProto


def graph(student: Student) -> Graph:
    """Export the student and join it behind its prelude. Outputs: LOGITS [N,K], DESCRIPTION [N,D]."""
    inputs = student.modality.network_inputs(student.prelude)
    fold = student.modality.students[str(student.config.kind)].folded
    exported = _export(fold(student.network) if fold else student.network, inputs)
    _rename(exported, inputs)
    prelude = onnx.ModelProto()
    prelude.CopyFrom(student.prelude.model)
    del exported.opset_import[:], prelude.opset_import[:]
    exported.opset_import.extend(OPSETS)
    prelude.opset_import.extend(OPSETS)
    exported.ir_version = prelude.ir_version = IR_VERSION
    read = [value.name for value in exported.graph.input]
    return Graph(clean(compose.merge_models(prelude, exported, io_map=[(name, name) for name in read])))


def clean(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take out what says where or how the graph was made: metadata, doc strings, recorded shapes, producer."""
    model.producer_name, model.producer_version, model.domain, model.doc_string = "limbeck", "", "", ""
    model.graph.name = "limbeck"
    del model.graph.value_info[:], model.functions[:], model.metadata_props[:]
    parts = (model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer)
    for part in parts:
        part.doc_string = ""
        del part.metadata_props[:]
    return model


def _export(network: torch.nn.Module, inputs: Mapping[str, NetworkInput]) -> onnx.ModelProto:
    network.eval()
    dimensions = {name: torch.export.Dim(name, min=1) for it in inputs.values() for name in it.dimensions.values()}
    for name in ("torch.onnx", "onnxscript"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            tuple(it.example for it in inputs.values()),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=[LOGITS, DESCRIPTION],
            dynamic_shapes=tuple(
                {place: dimensions[name] for place, name in it.dimensions.items()} for it in inputs.values()
            ),
            external_data=False,
        )
        if program is None:
            raise RuntimeError("torch.onnx.export returned no program")
        # Weights that another operator wants in another layout are laid out here, once.
        optimizer.fold_constants(program.model, input_size_limit=_ANY_SIZE, output_size_limit=_ANY_SIZE)
        optimizer.remove_unused_nodes(program.model)
        return program.model_proto


def _rename(model: onnx.ModelProto, inputs: Mapping[str, NetworkInput]) -> None:
    """Give everything inside a plain name by its place, so that equal students give equal bytes."""
    names: dict[str, str] = {name: name for name in (*inputs, LOGITS, DESCRIPTION)}
    for place, tensor in enumerate(model.graph.initializer):
        tensor.name = names.setdefault(tensor.name, f"limbeck/student/weight_{place}")
    for place, node in enumerate(model.graph.node):
        node.name = f"limbeck/student/{node.op_type}_{place}"
        node.input[:] = [names.get(name, name) for name in node.input]
        for i, name in enumerate(node.output):
            node.output[i] = name and names.setdefault(name, f"limbeck/student/value_{place}_{i}")
    for value in (*model.graph.input, *model.graph.output):
        symbols = inputs[value.name].symbols if value.name in inputs else ("N", "L")
        for dimension, symbol in zip(value.type.tensor_type.shape.dim, symbols, strict=False):
            if not dimension.HasField("dim_value"):
                dimension.dim_param = symbol


def float_initializers(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Every float32 initializer by name."""
    return {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == helper.np_dtype_to_tensor_dtype(np.dtype(np.float32))
    }
