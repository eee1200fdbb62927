"""Make the logits of the quantised graph into probabilities that mean what they say, and describe novelty.

Both are fitted on validation rows run through the quantised graph, then written into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from distill.data.rows import Rows
from distill.graph import expected_costs
from distill.graph.export import Graph, clean
from distill.modalities.modality import Modality, NoveltyScore
from distill.modalities.prelude import DESCRIPTION, LOGITS, SCORE
from distill.runtime import batched
from handler.bundle.costs import Costs
from handler.model.predictor import session_options

_KNOTS = 65
_SPREAD = 0.6  # of the logarithm of a temperature, before any row is seen
_DIGITS = 6  # fitted numbers are rounded, so that a last-bit difference between processors changes no file


@dataclass(frozen=True)
class Calibrated:
    """The finished graph (raw inputs -> `probabilities` [N,K], `novelty` [N]) and the temperature inside it.

    With `costs` it gives `expected_costs` too, [N,K], or [N,K+1] where abstaining has a price.
    """

    graph: Graph
    temperature: float
    costs: Costs | None = None


def fit(graph: Graph, modality: Modality, train: Rows, validation: Rows, costs: Costs | None = None) -> Calibrated:
    """Temperature by validation likelihood (Guo et al., 2017); novelty as a quantile among validation rows."""
    logits, held = run(graph, validation, modality.feeds)
    temperature = fit_temperature(logits, validation.labels)

    def described() -> tuple[np.typing.NDArray[np.float32], np.typing.NDArray[np.int64]]:
        labelled = train.take(train.labelled)
        return run(graph, labelled, modality.feeds)[1], labelled.labels

    score = modality.novelty(logits, held, described)
    knots = np.unique(np.quantile(score.validation_scores, np.linspace(0, 1, _KNOTS)).astype(np.float32))
    finished = _with_outputs(graph, temperature, score, knots)
    return Calibrated(finished if costs is None else expected_costs.added(finished, costs), temperature, costs)


def fit_temperature(logits: np.typing.NDArray[np.float32], labels: np.typing.NDArray[np.int64]) -> float:
    """The temperature in 0.05..20 that is most probable given rows [N,K] with labels [N].

    Before any row is seen, log T is taken to be normal around 0 with a spread of _SPREAD: a student that stopped where
    held-out labels are most likely says about what it means. Many rows outweigh that. Of a few that are all answered
    rightly, the likelihood alone would make it certain of everything.
    """
    gold, rows = labels.astype(np.int64), np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits.astype(np.float64) / np.exp(log_temperature), axis=1)
        return float(-scaled[rows, gold].sum() + 0.5 * (log_temperature / _SPREAD) ** 2)

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-6})
    return round(float(np.exp(found.x)), _DIGITS)


def run(
    graph: Graph, rows: Rows, feed: batched.Feeds = batched.feeds
) -> tuple[np.typing.NDArray[np.float32], np.typing.NDArray[np.float32]]:
    """LOGITS [N,K] and DESCRIPTION [N,D] of rows, from an unfinished graph."""
    session = ort.InferenceSession(
        graph.model.SerializeToString(), sess_options=session_options(), providers=["CPUExecutionProvider"]
    )
    columns = {value.name: rows.columns[value.name] for value in graph.model.graph.input}
    logits, description = batched.run(lambda tensors: session.run([LOGITS, DESCRIPTION], tensors), columns, feed)
    return logits, description


def _with_outputs(graph: Graph, temperature: float, score: NoveltyScore, knots: np.typing.NDArray[np.float32]) -> Graph:
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    constants: dict[str, np.typing.NDArray[np.generic]] = {"temperature": np.asarray(np.float32(temperature))}
    nodes = [
        _node("Div", [LOGITS, "temperature"], "scaled"),
        helper.make_node("Softmax", [_name("scaled")], ["probabilities"], _name("softmax"), axis=-1),
        *score.nodes,
    ]
    if len(knots) > 1:
        # The quantile is the share of the steps between knots that the score has climbed.
        constants |= {
            "knots": knots[None, :-1],
            "steps": np.diff(knots)[None],
            "each": np.ones(len(knots) - 1, np.float32),
            "number": np.asarray(np.float32(len(knots) - 1)),
            "zero": np.asarray(np.float32(0)),
            "one": np.asarray(np.float32(1)),
        }
        nodes += [
            _node("Sub", [SCORE, "knots"], "above"),
            _node("Div", ["above", "steps"], "climbed"),
            _node("Clip", ["climbed", "zero", "one"], "share"),
            _node("MatMul", ["share", "each"], "total"),  # a third of what a ReduceMean takes
            helper.make_node("Div", [_name("total"), _name("number")], ["novelty"], _name("quantile")),
        ]
    else:  # every validation row is alike: only what is beyond all of them is new
        constants |= {"highest": knots[:1], "axis": np.array([1], np.int64)}
        nodes += [
            _node("Greater", [SCORE, "highest"], "beyond"),
            _node("Cast", ["beyond"], "beyond_float", to=TensorProto.FLOAT),
            helper.make_node("Squeeze", [_name("beyond_float"), _name("axis")], ["novelty"], _name("quantile")),
        ]
    named = {_name(local): value for local, value in constants.items()} | dict(score.constants)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in named.items())
    model.graph.node.extend(nodes)
    [logits] = (value for value in model.graph.output if value.name == LOGITS)
    classes = logits.type.tensor_type.shape.dim[1].dim_value
    more = [value for value in model.graph.output if value.name not in (LOGITS, DESCRIPTION)]  # the prelude's
    del model.graph.output[:]
    model.graph.output.extend(
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes]),
            helper.make_tensor_value_info("novelty", TensorProto.FLOAT, ["N"]),
            *more,
        ]
    )
    onnx.checker.check_model(model)
    return Graph(clean(model))


def _name(local: str) -> str:
    return local if local in (LOGITS, SCORE) else f"limbeck/calibration/{local}"


def _node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 - ONNX\'s
    name = f"limbeck/calibration/make_{output}"
    return helper.make_node(op, [_name(item) for item in inputs], [_name(output)], name, **attributes)
