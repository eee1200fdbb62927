"""Features of pictures by a frozen network in ONNX: EfficientNet-Lite0, or somebody's own graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

from distill import cache
from distill.data import pixels
from distill.data.rows import Rows
from distill.errors import RecipeError
from distill.progress import track
from distill.teachers import lite0, lite0_graph
from handler.model.predictor import session_options

_WORTH_A_BAR = 200
# Of ImageNet, by channel, of a pixel's 0..255: what a float graph of somebody's own is taken to want, as most do.
_MEAN, _DEVIATION = (np.array(it, np.float32) * 255 for it in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))

Floats = np.typing.NDArray[np.float32]


class Network:
    """A graph whose first output [N,D] describes pictures, and how it takes them."""

    def __init__(self, content: bytes, size: int | None, own: bool = False) -> None:
        """`size`: pixels a side; None: as the graph says, else 224. `own`: somebody's graph, and not Lite0.

        Somebody's graph has one input: uint8 [N,H,W,3], or float [N,3,H,W] scaled as ImageNet usually is.

        Raises:
            RecipeError: it has other inputs.
        """
        self.content, self._own = content, own
        try:
            shape, self._raw = self._input()
        except Exception as error:  # onnxruntime's own errors share no public base class
            raise RecipeError(f"teacher.model cannot be loaded by ONNX Runtime ({type(error).__name__}).") from None
        if len(shape) != 4 or shape[3 if self._raw else 1] != 3:
            raise RecipeError(
                f"teacher.model takes {shape}, wanted one input of pictures: uint8 [N,H,W,3], or float [N,3,H,W]."
            )
        fixed = shape[1 if self._raw else 2]
        self.size = int(fixed) if isinstance(fixed, int) else size or lite0.SIZE

    def __getstate__(self) -> dict[str, Any]:
        """Without the session, which cannot be stored."""
        return {key: value for key, value in vars(self).items() if key != "_session"}

    def of(self, picture: pixels.Pixels) -> Floats:
        """The description [D] of a picture of any size."""
        levels = square(picture, self.size)
        feed: np.typing.NDArray[Any] = levels[None]
        if not self._raw:
            mean, deviation = (_MEAN, _DEVIATION) if self._own else (lite0.MEAN, lite0.DEVIATION)
            scaled = (levels.astype(np.float32) - mean) / deviation
            feed = np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], dtype=np.float32)
        found: Floats = self._session.run(None, {self._session.get_inputs()[0].name: feed})[0][0].reshape(-1)
        return found

    def _input(self) -> tuple[list[Any], bool]:
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            return [], False
        return list(inputs[0].shape), inputs[0].type == "tensor(uint8)"

    @cached_property
    def _session(self) -> ort.InferenceSession:
        return ort.InferenceSession(self.content, sess_options=session_options(), providers=["CPUExecutionProvider"])


class PictureFeatures:
    """A network's descriptions of rows. Those of `known` rows are made once and kept on disk."""

    def __init__(self, network: Network, known: Sequence[Rows]) -> None:
        """`known`: parts of a data set, which are asked for again, in whole or in part."""
        self.network, self._known = network, known
        self._table: dict[str, Floats] = {}

    def __getstate__(self) -> dict[str, Any]:
        """The network alone: rows are nobody's business in a stored model."""
        return {"network": self.network, "_known": (), "_table": {}}

    def __call__(self, rows: Rows) -> Floats:
        """Descriptions [N,D]. One row is always looked at anew: it is asked for to see how long that takes."""
        keys = rows.keys.tolist()
        if len(keys) == 1:
            return self._made(rows)
        if not all(key in self._table for key in keys):
            part = next((part for part in self._known if {*keys} <= {*part.keys.tolist()}), None)
            if part is None:
                return self._made(rows)
            name = cache.key(
                "picture features", cache.code(__name__), cache.digest(self.network.content), part.keys.tolist(),
                self.network.size,
            )  # fmt: skip
            found = cache.array(cache.root() / "features" / f"{name}.npy", lambda: self._made(part))
            self._table |= dict(zip(part.keys.tolist(), found, strict=True))
        return np.stack([self._table[key] for key in keys])

    def _made(self, rows: Rows) -> Floats:
        cells = rows.columns[pixels.COLUMN].tolist()
        shown = track(cells, "teacher answers") if len(cells) >= _WORTH_A_BAR else cells
        return np.stack([self.network.of(pixels.of(cell)) for cell in shown])


def square(picture: pixels.Pixels, size: int) -> pixels.Pixels:
    """The middle of a picture [H,W,3] as [size,size,3], as Pillow resizes."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = Image.fromarray(np.ascontiguousarray(picture[top : top + side, left : left + side]))
    return np.asarray(cut.resize((size, size), Image.Resampling.BILINEAR))


def lite0_network(size: int | None) -> Network:
    """EfficientNet-Lite0. Raises FetchError where its weights are not installed."""
    return Network(lite0_graph.features(size or lite0.SIZE), size)


def own_network(path: Path, size: int | None) -> Network:
    """Somebody's own graph.

    Raises:
        RecipeError: there is none, or it takes something else than pictures.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"teacher.model names {path}, which cannot be read ({error.strerror}).") from None
    return Network(content, size, own=True)
