"""What every prelude is: an ONNX graph from raw inputs to what a student reads, and how to run it for training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

from distill.runtime.batched import places
from handler.model.predictor import session_options

# Names of tensors inside the graph, from the prelude's output to the novelty score.
FEATURES = "limbeck/features"
LOGITS = "limbeck/logits"
DESCRIPTION = "limbeck/description"
SCORE = "limbeck/novelty/score"
# The newest opset that both onnxruntime and onnxruntime-web (a release behind) run everywhere.
OPSET = 20
IR_VERSION = 10
OPSETS = (
    helper.make_opsetid("", OPSET),
    helper.make_opsetid("ai.onnx.ml", 4),
    helper.make_opsetid("com.microsoft", 1),
)
_INSIDE = "limbeck/"


def score_constants(constants: Mapping[str, np.typing.NDArray[np.generic]]) -> dict[str, np.typing.NDArray[np.generic]]:
    """Constants of a novelty score under their names in the graph."""
    return {_score_name(local): np.asarray(value) for local, value in constants.items()}


def score_node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 - ONNX's
    """A node of a novelty score between local names, and the graph's other tensors under their whole names."""
    made = f"limbeck/novelty/make_{output}"
    return helper.make_node(op, [_score_name(item) for item in inputs], [_score_name(output)], made, **attributes)


def _score_name(local: str) -> str:
    return local if local.startswith(_INSIDE) else f"limbeck/novelty/{local}"


@dataclass(frozen=True)
class Prelude:
    """Raw inputs -> FEATURES and what else a student reads. Each modality adds what its students have to know."""

    model: onnx.ModelProto
    width: int  # text: number of ids in the vocabulary; columns: number of features
    vocabulary_rows: int = 0  # the fewest training rows in which any stored word or category of theirs occurs

    def run(
        self, columns: Mapping[str, np.typing.NDArray[np.generic]]
    ) -> Iterator[tuple[np.typing.NDArray[np.int64], list[np.typing.NDArray[np.generic]]]]:
        """Run the graph over columns of [N]: places and outputs of one chunk of rows after another."""
        session = ort.InferenceSession(
            self.model.SerializeToString(), sess_options=session_options(), providers=["CPUExecutionProvider"]
        )
        names = [value.name for value in self.model.graph.input]
        for chunk in places({name: columns[name] for name in names}):
            yield chunk, session.run(None, {name: columns[name][chunk] for name in names})
