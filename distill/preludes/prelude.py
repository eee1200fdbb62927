"""What every prelude is: an ONNX graph from raw inputs to one feature tensor, and how to run it for training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import helper

from distill.chunks import places
from handler.predictor import session_options

FEATURES = "limbeck/features"
# The newest opset that both onnxruntime and onnxruntime-web (a release behind) run everywhere.
OPSET = 20
IR_VERSION = 10
OPSETS = (
    helper.make_opsetid("", OPSET),
    helper.make_opsetid("ai.onnx.ml", 4),
    helper.make_opsetid("com.microsoft", 1),
)


@dataclass(frozen=True)
class Prelude:
    """Raw inputs -> FEATURES: int64 [N,L] token ids (0 pads) for text, float32 [N,F] for columns."""

    model: onnx.ModelProto
    width: int  # text: number of ids; columns: number of features
    words: tuple[str, ...] = ()  # text: words[i] has id i + FIRST_WORD
    surprisal: tuple[float, ...] = ()  # text: -log of the share of training rows that hold id i, for every id
    vocabulary_rows: int = 0  # the fewest training rows in which any stored word or category occurs
    notes: tuple[str, ...] = field(default=())
    numbers: int = 0  # columns: how many of the features are numbers; they come first
    categories: tuple[int, ...] = ()  # columns: features a category; they come last
    # Columns: (feature, from, to) a piece between quantiles of a number; 0 to 1 across it (`distill.students.tabular`).
    pieces: tuple[tuple[int, float, float], ...] = ()

    def features(self, columns: Mapping[str, npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
        """Run the graph over columns of N rows; token ids come back as int32 padded to the longest row."""
        session = ort.InferenceSession(
            self.model.SerializeToString(), sess_options=session_options(), providers=["CPUExecutionProvider"]
        )
        names = [value.name for value in self.model.graph.input]
        rows = len(columns[names[0]])
        chunks = places({name: columns[name] for name in names})
        parts = [session.run([FEATURES], {name: columns[name][chunk] for name in names})[0] for chunk in chunks]
        width = max((part.shape[1] for part in parts), default=0)
        dtype = np.int32 if parts and parts[0].dtype == np.int64 else np.float32
        features = np.zeros((rows, width), dtype=dtype)
        for chunk, part in zip(chunks, parts, strict=True):
            features[chunk, : part.shape[1]] = part
        return features
