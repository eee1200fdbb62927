"""A stand-in for the bundle `sentiment-quick`, which takes minutes to distil: its name and its labels, three words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from tests import bundles

# A vote for negative, neutral and positive by each word: unknown ones, "bad" and "good".
_VOTES = np.array([[0, 0.2, 0.1], [5, 1, 0], [1, 0, 5]], dtype=np.float32)


def stand_in(folder: Path) -> None:
    """Seal it in `folder`."""
    model = bundles.text_model()
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants["table"].CopyFrom(onnx.numpy_helper.from_array(_VOTES, "table"))
    constants["two"].CopyFrom(onnx.numpy_helper.from_array(np.float32(1.5), "two"))  # so that novelty ends at 1
    graph.output[0].type.tensor_type.shape.dim[1].dim_value = _VOTES.shape[1]
    limits = replace(bundles.text_serving().limits, max_inputs=64)  # as recipes have it
    serving = bundles.text_serving(labels=("negative", "neutral", "positive"), limits=limits)
    bundles.seal(folder, model, serving, "sentiment-quick")
