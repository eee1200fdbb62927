"""What every prelude is: an ONNX graph from raw inputs to what a student reads, and how to run it for training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import helper

from distill.modalities.text import token_batches as tokens
from distill.modalities.text.token_batches import Tokens
from distill.runtime.batched import places
from handler.model.predictor import session_options

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
    """Raw inputs -> FEATURES: token ids for text (see `distill.modalities.text.prelude`), float32 [N,F] for columns."""

    model: onnx.ModelProto
    width: int  # text: number of ids in the vocabulary; columns: number of features
    words: tuple[str, ...] = ()  # text: words[i] has id i + FIRST_WORD
    surprisal: tuple[float, ...] = ()  # text: -log of the share of training rows that hold id i; last, an unknown word
    buckets: int = 0  # text: how many ids there are for runs of letters, from 1 on
    vocabulary_rows: int = 0  # the fewest training rows in which any stored word or category of theirs occurs
    notes: tuple[str, ...] = field(default=())
    numbers: int = 0  # columns: how many of the features are numbers; they come first
    categories: tuple[int, ...] = ()  # columns: features a category; they come last
    # Columns: (feature, from, to) a piece between quantiles of a number; 0 to 1 across it.
    pieces: tuple[tuple[int, float, float], ...] = ()

    def features(self, columns: Mapping[str, npt.NDArray[np.generic]]) -> npt.NDArray[np.float32]:
        """Run the graph over number and category columns of N rows: float32 [N,F]."""
        parts = list(self._run(columns))
        features = np.zeros((sum(len(chunk) for chunk, _ in parts), self.width), np.float32)
        for chunk, (part,) in parts:
            features[chunk] = part
        return features

    def tokens(self, columns: Mapping[str, npt.NDArray[np.generic]]) -> Tokens:
        """Run the graph over a column of N texts."""
        parts = [(chunk, ids, grams) for chunk, (ids, grams) in self._run(columns)]
        return tokens.join(self.width, sum(len(chunk) for chunk, _, _ in parts), parts)

    def _run(
        self, columns: Mapping[str, npt.NDArray[np.generic]]
    ) -> Iterator[tuple[npt.NDArray[np.int64], list[npt.NDArray[np.generic]]]]:
        """Places and outputs of one chunk of rows after another."""
        session = ort.InferenceSession(
            self.model.SerializeToString(), sess_options=session_options(), providers=["CPUExecutionProvider"]
        )
        names = [value.name for value in self.model.graph.input]
        for chunk in places({name: columns[name] for name in names}):
            yield chunk, session.run(None, {name: columns[name][chunk] for name in names})
