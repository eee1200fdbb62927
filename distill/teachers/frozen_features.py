"""What a frozen encoder makes of texts: each text is read once, however many folds and stages ask for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from distill import cache
from distill.data.rows import Rows
from distill.progress import track
from distill.recipe.schema import Teacher as Config
from distill.teachers.encoder_network import EncoderClassifier, Texts, forward_all
from distill.teachers.weights import Weights

BATCH = 64


class Features:
    """Pooled states [N,H] of rows, remembered by row and kept by content hash."""

    def __init__(self, weights: Weights, config: Config, train: Rows) -> None:
        """`train`: rows that are always read together, so that a part of them gets what the whole got."""
        self._weights = weights
        self._config = config
        self._train = train
        self._together = set(train.keys.tolist())
        self._known: dict[str, npt.NDArray[np.float32]] = {}

    def of(self, rows: Rows, network: Callable[[], EncoderClassifier], name: str) -> npt.NDArray[np.float32]:
        """Pooled states [N,H]. `network` is called for only if a row is new."""
        keys = rows.keys.tolist()
        if not self._together.isdisjoint(keys):
            self._learn(self._train, network, name)
        self._learn(rows, network, name)
        return np.stack([self._known[key] for key in keys])

    def _learn(self, rows: Rows, network: Callable[[], EncoderClassifier], name: str) -> None:
        new = rows.take(np.array([key not in self._known for key in rows.keys.tolist()], dtype=bool))
        if not len(new):
            return
        settings = (self._weights.id, self._config.max_tokens, self._config.precision)
        code = cache.code("distill.teachers.encoder_network")
        key = cache.key("features", code, *settings, new.keys.tolist())

        def make() -> npt.NDArray[np.float32]:
            texts = Texts(self._weights.folder, new.columns["text"].tolist(), self._config.max_tokens)
            batches = track(texts.in_order(BATCH), f"{name}: features")
            return forward_all(network(), texts, batches, pooled=True, precision=self._config.precision)

        states = cache.array(cache.root() / "features" / f"{key}.npy", make)
        self._known.update(zip(new.keys.tolist(), states, strict=True))
