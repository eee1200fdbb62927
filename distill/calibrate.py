"""Make the logits of the quantised graph into probabilities that mean what they say, and describe novelty.

Both are fitted on validation rows run through the quantised graph, then written into it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.covariance import ledoit_wolf

from distill import chunks
from distill.datasets.rows import Rows
from distill.export import DESCRIPTION, LOGITS, Graph, clean
from handler.predictor import session_options

_MOST_DIRECTIONS = 64
_KNOTS = 65
_DIGITS = 6  # fitted numbers are rounded, so that a last-bit difference between processors changes no file


@dataclass(frozen=True)
class Calibrated:
    """The finished graph (raw inputs -> `probabilities` [N,K], `novelty` [N]) and the temperature inside it."""

    graph: Graph
    temperature: float


def fit(graph: Graph, train: Rows, validation: Rows) -> Calibrated:
    """Temperature by validation likelihood (Guo et al., 2017); novelty by distance to the training rows.

    Novelty: the squared Mahalanobis distance to the nearest class mean with a shared covariance (Lee et al., 2018),
    shrunk (Ledoit and Wolf, 2004), fitted on labelled training rows; then its quantile among validation rows.
    """
    train = train.take(train.labelled)
    _, known = run(graph, train)
    logits, held = run(graph, validation)
    temperature = fit_temperature(logits, validation.labels)
    directions, means = _directions(known, train.labels)
    scores = _distance(held, directions, means)
    knots = np.unique(np.quantile(scores, np.linspace(0, 1, _KNOTS)).astype(np.float32))
    return Calibrated(_with_outputs(graph, temperature, directions, means, knots), temperature)


def fit_temperature(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    """The temperature in 0.05..20 with the smallest negative log-likelihood on rows [N,K], [N]."""

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits.astype(np.float64) / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(labels)), labels].mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-6})
    return round(float(np.exp(found.x)), _DIGITS)


def run(graph: Graph, rows: Rows) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """LOGITS [N,K] and DESCRIPTION [N,D] of rows, from an unfinished graph."""
    session = ort.InferenceSession(
        graph.model.SerializeToString(), sess_options=session_options(), providers=["CPUExecutionProvider"]
    )
    columns = {value.name: rows.columns[value.name] for value in graph.model.graph.input}
    logits, description = chunks.run(lambda feed: session.run([LOGITS, DESCRIPTION], feed), columns)
    return logits, description


def _directions(
    known: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Whitening directions [D,R] and the class means in them [K,R]."""
    points = known.astype(np.float64)
    classes = np.unique(labels)
    means = np.stack([points[labels == label].mean(axis=0) for label in classes])
    residual = points - means[np.searchsorted(classes, labels)]
    covariance, _ = ledoit_wolf(residual, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    keep = np.argsort(values)[::-1][:_MOST_DIRECTIONS]
    keep = keep[values[keep] > 1e-9 * values.max()]
    vectors = vectors[:, keep]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(keep))])
    whitening = vectors / np.sqrt(values[keep])
    return whitening.astype(np.float32), (means @ whitening).astype(np.float32)


def _distance(
    points: npt.NDArray[np.float32], directions: npt.NDArray[np.float32], means: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    white = points @ directions
    gaps = white[:, None, :] - means[None, :, :]
    distances: npt.NDArray[np.float32] = (gaps**2).sum(axis=2).min(axis=1)
    return distances


def _with_outputs(
    graph: Graph,
    temperature: float,
    directions: npt.NDArray[np.float32],
    means: npt.NDArray[np.float32],
    knots: npt.NDArray[np.float32],
) -> Graph:
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    constants = {
        "temperature": np.float32(temperature),
        "directions": directions,
        "means": means[None],
        "axis_1": np.array([1], np.int64),
        "axis_2": np.array([2], np.int64),
        "zero": np.float32(0),
        "one": np.float32(1),
    }
    nodes = [
        _node("Div", [LOGITS, "temperature"], "scaled"),
        helper.make_node("Softmax", [_name("scaled")], ["probabilities"], _name("softmax"), axis=-1),
        _node("MatMul", [DESCRIPTION, "directions"], "white"),
        _node("Unsqueeze", ["white", "axis_1"], "white_row"),
        _node("Sub", ["white_row", "means"], "gaps"),
        _node("Mul", ["gaps", "gaps"], "squares"),
        _node("ReduceSum", ["squares", "axis_2"], "distances", keepdims=0),
    ]
    if len(knots) > 1:
        # The quantile is the share of the steps between knots that the distance has climbed.
        constants |= {"knots": knots[None, :-1], "steps": np.diff(knots)[None]}
        nodes += [
            _node("ReduceMin", ["distances", "axis_1"], "distance", keepdims=1),
            _node("Sub", ["distance", "knots"], "above"),
            _node("Div", ["above", "steps"], "climbed"),
            _node("Clip", ["climbed", "zero", "one"], "share"),
            helper.make_node(
                "ReduceMean", [_name("share"), _name("axis_1")], ["novelty"], _name("quantile"), keepdims=0
            ),
        ]
    else:  # every validation row is alike: only what is farther than all of them is new
        constants |= {"farthest": knots[0]}
        nodes += [
            _node("ReduceMin", ["distances", "axis_1"], "distance", keepdims=0),
            _node("Greater", ["distance", "farthest"], "beyond"),
            helper.make_node("Cast", [_name("beyond")], ["novelty"], _name("quantile"), to=TensorProto.FLOAT),
        ]
    used = {name for node in nodes for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), _name(name))
        for name, value in constants.items()
        if _name(name) in used
    )
    model.graph.node.extend(nodes)
    classes = means.shape[0] if means.shape[0] > 1 else "K"
    del model.graph.output[:]
    model.graph.output.extend(
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", _classes(graph) or classes]),
            helper.make_tensor_value_info("novelty", TensorProto.FLOAT, ["N"]),
        ]
    )
    onnx.checker.check_model(model, full_check=False)
    return Graph(clean(model), ("probabilities", "novelty"))


def _classes(graph: Graph) -> int:
    for value in graph.model.graph.output:
        if value.name == LOGITS:
            return int(value.type.tensor_type.shape.dim[1].dim_value)
    return 0


def _name(local: str) -> str:
    return local if local in (LOGITS, DESCRIPTION) else f"limbeck/calibration/{local}"


def _node(op: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    name = f"limbeck/calibration/make_{output}"
    return helper.make_node(op, [_name(item) for item in inputs], [_name(output)], name, **attributes)
