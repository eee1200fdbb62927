"""A bundle's graph as a function: raw inputs in, predictions out.

The one place where a graph is run for an answer: the Lambda handler, the command line, the evidence and
the gates all come through here, so that what was measured is what is served.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

# ONNX Runtime reports its use to its makers unless told not to before it starts (seen in 1.31 on Linux).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort  # noqa: E402

from handler.bundle import contract
from handler.bundle.abstention import Thresholds
from handler.bundle.versions import newest
from handler.errors import BundleError, RequestError
from handler.modalities import register
from handler.modalities.modality import Arrays, Record
from handler.model import decisions, optimized_graph
from handler.model.decisions import Decision

RUNTIME = str(ort.__version__)

_OUTPUTS = ("probabilities", "novelty")

_TENSOR_TYPES: Mapping[str, str] = {
    "string": "tensor(string)",
    "float32": "tensor(float)",
    "uint8": "tensor(uint8)",
}


@dataclass(frozen=True)
class Prediction:
    """The answer for one input: probabilities are calibrated and sum to 1."""

    label: str  # the most probable; of a model with costs the one of least expected cost
    score: float  # its probability
    scores: dict[str, float]
    abstained: bool
    novelty: float  # 0..1, the quantile among validation rows of how unlike the training data the input is
    decision: Decision | None = None  # of a model with costs

    @property
    def confidence(self) -> float:
        """The highest probability, whatever was decided."""
        return self.score if self.decision is None else self.scores[self.decision.most_probable]

    def judged(self, thresholds: Thresholds) -> Prediction:
        """The same answer, which abstains where its confidence is under the threshold or its costs have it abstain."""
        by_costs = self.decision is not None and self.decision.abstains
        return replace(self, abstained=by_costs or thresholds.abstains(self.confidence))

    def as_json(self) -> dict[str, Any]:
        """As JSON has it, with no decision where the model has no costs."""
        found = dict(vars(self))  # not `asdict`, which walks through every score
        decision = found.pop("decision")
        return found if decision is None else found | {"decision": dict(vars(decision))}


class Predictor:
    """One ONNX session and what the manifest says about it."""

    def __init__(self, model: Path | bytes, serving: contract.Serving, name: str, version: str) -> None:
        """Open a session on `model`: a file, or the bytes of a graph that is optimised already.

        For a sealed bundle use `load`, which checks it first.

        Raises:
            BundleError: ONNX Runtime cannot load the graph, or no modality here takes such inputs.
        """
        self.modality = register.of(serving)
        self.serving = serving
        self.name = name
        self.version = version
        self._outputs = [*_OUTPUTS, *(() if serving.costs is None else ("expected_costs",))]
        options = session_options()
        if isinstance(model, bytes):
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        graph = model if isinstance(model, bytes) else str(model)
        where = contract.OPTIMIZED_MODEL if isinstance(model, bytes) else str(model)
        try:
            self._session = ort.InferenceSession(graph, sess_options=options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own errors share no public base class
            raise BundleError(f"{where} cannot be loaded by ONNX Runtime {RUNTIME}: {error}") from None
        self._check_signature(where)

    @classmethod
    def load(cls, folder: str | Path) -> Predictor:
        """Open a sealed bundle, by the graph derived from it where that fits (see `handler.model.optimized_graph`).

        `folder`: the bundle's, or that of its versions (`bundles/NAME`, or `bundles/NAME/latest`), of which the one
        sealed last is meant.

        Raises:
            BundleError: see `handler.bundle.contract.read`.
        """
        folder = Path(folder)
        if folder.name == contract.LATEST or (folder / contract.LATEST).is_file():
            folder = newest(folder)
        manifest = contract.read(folder)
        rest = (manifest.serving, manifest.name, manifest.version)
        graph = optimized_graph.find(folder, manifest.files[contract.MODEL], RUNTIME)
        if graph is not None:
            try:
                return cls(graph, *rest)
            except BundleError:
                pass  # the sealed file says the same, a little later
        return cls(folder / contract.MODEL, *rest)

    def predict(self, inputs: Sequence[Record]) -> list[Prediction]:
        """Answer each input: a text, or a mapping of column to value (None or absent: missing).

        Inputs from outside go through `handler.modalities.register.check` first, which also keeps the limits. No
        inputs, no predictions.

        Raises:
            TypeError: one input, where a list of them is wanted; or an input of another kind than the model's.
            RequestError: no column, one that the model does not know, or a value that its column does not take.
        """
        if isinstance(inputs, (str, bytes, Mapping)) or not hasattr(inputs, "__len__"):
            raise TypeError(f"predict takes a list of inputs, and got one {type(inputs).__name__}. Put it into a list.")
        if not len(inputs):
            return []
        try:
            return [
                self._prediction(*row)
                for part in self.modality.batches(inputs)
                for row in zip(*self.outputs(self.arrays(part)), strict=True)
            ]
        except UnicodeEncodeError:
            raise RequestError(422, "not-unicode", "The text holds half of a surrogate pair.") from None

    def reduced(self, inputs: Sequence[Record]) -> Sequence[Record]:
        """The inputs in the size at which the graph looks at them, where it says so: it answers these alike."""
        name = self.modality.reduced
        if not name:
            return inputs
        return [
            row for part in self.modality.batches(inputs) for row in self._session.run([name], self.arrays(part))[0]
        ]

    def run(self, arrays: Arrays) -> tuple[np.typing.NDArray[np.float32], np.typing.NDArray[np.float32]]:
        """Run the graph: arrays of shape [N] by input name -> probabilities [N,K], novelty [N]."""
        probabilities, novelty = self._session.run([*_OUTPUTS], arrays)
        return probabilities, novelty

    def outputs(self, arrays: Arrays) -> list[np.typing.NDArray[np.float32]]:
        """All that the graph says: as `run`, and of a model with costs the expected ones, [N,K] or [N,K+1].

        See `handler.model.decisions`.
        """
        found: list[np.typing.NDArray[np.float32]] = self._session.run(self._outputs, arrays)
        return found

    def arrays(self, inputs: Sequence[Record]) -> Arrays:
        """Lay the inputs out as the graph's tensors. Words are composed to NFC, as they were for training."""
        return self.modality.arrays(inputs, self.serving)

    def _check_signature(self, where: str) -> None:
        """Refuse a graph whose tensors are not those the manifest names."""
        found = {tensor.name: tensor.type for tensor in self._session.get_inputs()}
        wanted = {column.name: _TENSOR_TYPES.get(column.dtype, column.dtype) for column in self.serving.inputs}
        outputs = {tensor.name for tensor in self._session.get_outputs()}
        needed = {*self._outputs, *filter(None, [self.modality.reduced])}
        if found != wanted or not outputs >= needed:
            raise BundleError(
                f"{where} takes {found} and gives {sorted(outputs)}, its manifest wants {wanted} and "
                f"{', '.join(sorted(needed))}. Seal the bundle again."
            )

    def _prediction(
        self,
        row: np.typing.NDArray[np.float32],
        novelty: np.float32,
        expected_costs: np.typing.NDArray[np.float32] | None = None,
    ) -> Prediction:
        serving, best, decision = self.serving, int(row.argmax()), None
        if serving.costs is not None and expected_costs is not None:
            best, decision = decisions.of(row, expected_costs, serving.labels, serving.costs)
        made = Prediction(
            label=serving.labels[best],
            score=(score := float(row[best])),
            scores=dict(zip(serving.labels, row.tolist(), strict=True)),
            abstained=serving.thresholds.abstains(score),
            novelty=float(novelty),
            decision=decision,
        )
        return made if decision is None else made.judged(serving.thresholds)


def optimized(model: Path, level: str) -> bytes:
    """The graph as ONNX Runtime would rewrite it at every start, up to "basic", "extended" or "all"."""
    import tempfile  # for the image's build alone

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / contract.MODEL
        options = session_options()
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f"ORT_ENABLE_{level.upper()}")
        options.optimized_model_filepath = str(path)
        ort.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])
        return path.read_bytes()


def session_options() -> ort.SessionOptions:
    """One thread, no spinning: a Lambda function has about one core, and a spinning thread spoils its p99."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 4  # fatal only: an error line may quote a tensor's value, and it is raised as well
    return options
