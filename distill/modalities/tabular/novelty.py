"""How unlike the training data a row of columns is: the Mahalanobis distance of its features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from distill.modalities import whitening
from distill.modalities.modality import Floats, NoveltyScore
from distill.modalities.prelude import DESCRIPTION, score_constants, score_node

_MOST_DIRECTIONS = 64


def distance(
    logits: Floats, validation: Floats, train: Callable[[], tuple[Floats, np.typing.NDArray[np.int64]]]
) -> NoveltyScore:
    """From the features [N,F] of validation rows and of labelled training rows.

    Squared Mahalanobis distance to the nearest class mean, see `distill.modalities.whitening`.
    """
    fitted = whitening.fit(*train(), _MOST_DIRECTIONS)
    directions = fitted.directions.astype(np.float32)
    means = (fitted.means @ fitted.directions).astype(np.float32)
    gaps = (validation @ directions)[:, None, :] - means[None, :, :]
    scores: Floats = (gaps**2).sum(axis=2).min(axis=1)
    constants: dict[str, np.typing.NDArray[np.generic]] = {
        "directions": directions,
        "means": means[None],
        "axis": np.array([1], np.int64),
        "last_axis": np.array([2], np.int64),
    }
    nodes = (
        score_node("MatMul", [DESCRIPTION, "directions"], "white"),
        score_node("Unsqueeze", ["white", "axis"], "white_row"),
        score_node("Sub", ["white_row", "means"], "gaps"),
        score_node("Mul", ["gaps", "gaps"], "squares"),
        score_node("ReduceSum", ["squares", "last_axis"], "distances", keepdims=0),
        score_node("ReduceMin", ["distances", "axis"], "score", keepdims=1),
    )
    return NoveltyScore(nodes, score_constants(constants), scores)
