"""How unlike the training data a row of columns is: the Mahalanobis distance of its features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.covariance import ledoit_wolf

from distill.modalities.modality import Floats, NoveltyScore
from distill.modalities.prelude import DESCRIPTION, score_constants, score_node

_MOST_DIRECTIONS = 64


def distance(
    logits: Floats, validation: Floats, train: Callable[[], tuple[Floats, np.typing.NDArray[np.int64]]]
) -> NoveltyScore:
    """From the features [N,F] of validation rows and of labelled training rows.

    Squared Mahalanobis distance to the nearest class mean under one covariance (Lee et al., 2018), shrunk (Ledoit and
    Wolf, 2004), in its widest directions.
    """
    directions, means = _directions(*train())
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


def _directions(known: Floats, labels: np.typing.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Whitening directions [F,R] and the class means in them [K,R]."""
    points = known.astype(np.float64)
    classes = np.unique(labels)
    means = np.stack([points[labels == label].mean(axis=0) for label in classes])
    residual = points - means[np.searchsorted(classes, labels)]
    covariance, _ = ledoit_wolf(residual, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    keep = np.argsort(values)[::-1][:_MOST_DIRECTIONS]
    keep = keep[values[keep] > 1e-9 * max(float(values.max()), 1e-30)]
    if not len(keep):  # every training row is alike
        return np.ones((known.shape[1], 1), np.float32), means.sum(axis=1, keepdims=True).astype(np.float32)
    vectors = vectors[:, keep]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(keep))])
    whitening = vectors / np.sqrt(values[keep])
    return whitening.astype(np.float32), (means @ whitening).astype(np.float32)
