"""Pictures as a network reads them: brought to S x S once, by the graph's own prelude, and kept on disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor

from distill import cache
from distill.data import pixels
from distill.data.rows import Rows
from distill.modalities.image.prelude import DEVIATION, MEAN, RESIZED, PicturePrelude
from handler.model.predictor import session_options

_AT_ONCE = 64  # pictures that are answered at once: features of the first blocks are some 20 MB each


@dataclass(frozen=True)
class PictureRows:
    """Pictures [N,S,S,3], which stay on disk."""

    resized: pixels.Pixels
    at_once: int = _AT_ONCE

    @property
    def lengths(self) -> np.typing.NDArray[np.int64]:
        """All alike, [N]."""
        return np.ones(len(self.resized), np.int64)

    def batch(self, places: np.typing.NDArray[np.int64]) -> tuple[Tensor, ...]:
        """The pictures at `places` as the prelude scales them, [n,3,S,S]."""
        levels = torch.from_numpy(np.array(self.resized[places])).permute(0, 3, 1, 2).float()
        return (((levels - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last),)


def batches(prelude: PicturePrelude, rows: Rows) -> PictureRows:
    """Rows as every student reads them."""
    graph = prelude.model.SerializeToString(deterministic=True)
    session = ort.InferenceSession(graph, sess_options=session_options(), providers=["CPUExecutionProvider"])

    def square(picture: pixels.Pixels) -> pixels.Pixels:
        found: pixels.Pixels = session.run([RESIZED], {pixels.COLUMN: picture[None]})[0][0]
        return found

    return PictureRows(pixels.squares(rows, prelude.width, cache.digest(graph), square))
