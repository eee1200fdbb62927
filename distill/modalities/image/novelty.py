"""How unlike the training pictures one is: the larger of two scores, for either alone is blind to something.

The Mahalanobis distance of the features' means and spreads tells other photographs and drawings; the energy of the
logits tells noise and flat colour, of which features lie nearer to the middle than those of any real picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import TensorProto
from scipy.special import logsumexp

from distill.modalities import whitening
from distill.modalities.modality import Floats, NoveltyScore
from distill.modalities.prelude import DESCRIPTION, LOGITS, score_constants, score_node

_MOST_DIRECTIONS = 128
_LARGEST = 127
_USUAL = (0.5, 0.95)  # quantiles of validation rows that are 0 and 1 of either score
_SMALLEST = 1e-6


def two_scores(
    logits: Floats, validation: Floats, train: Callable[[], tuple[Floats, np.typing.NDArray[np.int64]]]
) -> NoveltyScore:
    """From logits [N,K] and descriptions [N,D] of validation rows, and the descriptions of labelled training rows.

    The squared distance to the nearest class mean, see `distill.modalities.whitening`, and the energy (Liu et al.,
    2020), each on a scale that validation rows set.
    """
    integers, scale, means = _directions(*train())
    gaps = (validation @ (integers * scale))[:, None, :] - means[None, :, :]
    distances = np.log1p((gaps**2).sum(axis=2).min(axis=1))
    energies = -logsumexp(logits.astype(np.float64), axis=1)
    (far, far_step), (weak, weak_step) = _scale(distances), _scale(energies)
    scores = np.maximum((distances - far) / far_step, (energies - weak) / weak_step)
    constants: dict[str, np.typing.NDArray[np.generic]] = {
        "directions": integers,
        "scale": scale,
        "means": means[None],
        "axis": np.array([1], np.int64),
        "last_axis": np.array([2], np.int64),
        "one": np.array(1, np.float32),
        "far": np.array(far, np.float32),
        "far_step": np.array(far_step, np.float32),
        "weak": np.array(weak, np.float32),
        "weak_step": np.array(weak_step, np.float32),
    }
    nodes = (
        score_node("Cast", ["directions"], "floats", to=TensorProto.FLOAT),  # folded when the session opens
        score_node("Mul", ["floats", "scale"], "whitening"),
        score_node("MatMul", [DESCRIPTION, "whitening"], "white"),
        score_node("Unsqueeze", ["white", "axis"], "white_row"),
        score_node("Sub", ["white_row", "means"], "gaps"),
        score_node("Mul", ["gaps", "gaps"], "squares"),
        score_node("ReduceSum", ["squares", "last_axis"], "squared", keepdims=0),
        score_node("ReduceMin", ["squared", "axis"], "nearest", keepdims=1),
        score_node("Add", ["nearest", "one"], "nearest_and_one"),
        score_node("Log", ["nearest_and_one"], "distance"),
        score_node("Sub", ["distance", "far"], "farther"),
        score_node("Div", ["farther", "far_step"], "of_distance"),
        score_node("ReduceLogSumExp", [LOGITS, "axis"], "strength", keepdims=1),
        score_node("Neg", ["strength"], "energy"),
        score_node("Sub", ["energy", "weak"], "weaker"),
        score_node("Div", ["weaker", "weak_step"], "of_energy"),
        score_node("Max", ["of_distance", "of_energy"], "score"),
    )
    return NoveltyScore(nodes, score_constants(constants), scores.astype(np.float32))


def _scale(scores: np.typing.NDArray[np.floating]) -> tuple[float, float]:
    """Where a score's middle is, and how far from it only a twentieth of validation rows lies."""
    middle, high = np.quantile(scores.astype(np.float64), _USUAL).tolist()
    return middle, max(high - middle, _SMALLEST)


def _directions(
    known: Floats, labels: np.typing.NDArray[np.int64]
) -> tuple[np.typing.NDArray[np.int8], Floats, Floats]:
    """Whitening directions [D,R] as integers, what one of these is worth [1,R], and the class means in them [K,R].

    In floats they would be a third of a student's bytes; clothing's AUROCs are the same to three digits.
    """
    fitted = whitening.fit(known, labels, _MOST_DIRECTIONS)
    scale = (np.abs(fitted.directions).max(axis=0, keepdims=True) / _LARGEST).astype(np.float32)
    integers = np.rint(fitted.directions / scale).astype(np.int8)
    return integers, scale, (fitted.means @ (integers * scale)).astype(np.float32)
