"""The directions in which features vary within a class, for Mahalanobis distances that a graph can compute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.covariance import ledoit_wolf

from distill.modalities.modality import Floats


@dataclass(frozen=True)
class Whitening:
    """`directions` [F,R]: features times these have spread 1 within a class. `means` [K,F], of the classes."""

    directions: np.typing.NDArray[np.float64]
    means: np.typing.NDArray[np.float64]


def fit(known: Floats, labels: np.typing.NDArray[np.int64], most: int) -> Whitening:
    """From features [N,F] of labelled rows: at most `most` directions, the widest.

    One covariance for all classes (Lee et al., 2018), shrunk (Ledoit and Wolf, 2004).
    """
    points = known.astype(np.float64)
    classes = np.unique(labels)
    means = np.stack([points[labels == label].mean(axis=0) for label in classes])
    residual = points - means[np.searchsorted(classes, labels)]
    covariance, _ = ledoit_wolf(residual, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    keep = np.argsort(values)[::-1][:most]
    keep = keep[values[keep] > 1e-9 * max(float(values.max()), 1e-30)]
    if not len(keep):  # every training row is alike
        return Whitening(np.ones((known.shape[1], 1)), means)
    vectors = vectors[:, keep]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(keep))])
    return Whitening(vectors / np.sqrt(values[keep]), means)
