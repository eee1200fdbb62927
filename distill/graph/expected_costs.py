"""What each decision is expected to cost, as an output of the graph."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from distill.graph.export import Graph
from handler.bundle.costs import Costs
from handler.model import decisions

OUTPUT = "expected_costs"
_PREFIX = "limbeck/costs/"


def added(graph: Graph, costs: Costs) -> Graph:
    """The graph with `expected_costs`: its `probabilities` times the matrix of costs, abstaining last where priced.

    In double precision, and of probabilities that sum to 1 in it, as `handler.model.decisions` has it: rounding then
    never turns the order of two probabilities.
    """
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    matrix = decisions.prices(costs)
    constants = {"matrix": matrix, "axis": np.array([1], np.int64)}
    model.graph.initializer.extend(numpy_helper.from_array(value, _PREFIX + name) for name, value in constants.items())
    wide, total, shares, double = (_PREFIX + name for name in ("wide", "sum", "shares", "double"))
    model.graph.node.extend(
        [
            helper.make_node("Cast", ["probabilities"], [wide], f"{_PREFIX}make_wide", to=TensorProto.DOUBLE),
            helper.make_node("ReduceSum", [wide, f"{_PREFIX}axis"], [total], f"{_PREFIX}make_sum", keepdims=1),
            helper.make_node("Div", [wide, total], [shares], f"{_PREFIX}make_shares"),
            helper.make_node("MatMul", [shares, f"{_PREFIX}matrix"], [double], f"{_PREFIX}make_double"),
            helper.make_node("Cast", [double], [OUTPUT], f"{_PREFIX}make_{OUTPUT}", to=TensorProto.FLOAT),
        ]
    )
    columns = ["N", matrix.shape[1]]
    model.graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, columns))
    onnx.checker.check_model(model)
    return Graph(model)
