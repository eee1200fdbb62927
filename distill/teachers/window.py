"""How many tokens of a text an encoder reads where the recipe does not say: as long as the texts are, within a time."""

from __future__ import annotations

import numpy as np

_WINDOWS = (32, 48, 64, 96, 128, 192, 256, 384, 512)
_COVERED = 0.98  # of the texts are to be read whole
# Tokens a second of two cores, of an encoder of six layers of 384. A figure of the machine at hand would make the same
# recipe read less on a slow day.
_NOMINAL_RATE = 10_000


def fitting(lengths: np.typing.NDArray[np.int64], max_minutes: float, positions: int) -> int:
    """The shortest window that covers nearly all texts, of those that the time and the encoder's positions allow.

    `lengths`: tokens of each text, [N].
    """
    allowed = [
        window
        for window in _WINDOWS
        if window <= positions and np.minimum(lengths, window).sum() <= max_minutes * 60 * _NOMINAL_RATE
    ]
    if not allowed:
        return min(_WINDOWS[0], positions)
    wanted = float(np.quantile(lengths, _COVERED))
    return next((window for window in allowed if window >= wanted), allowed[-1])
