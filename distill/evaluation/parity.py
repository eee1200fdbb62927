"""Whether the graph that is served answers as it should: the integers as the floats, a row alone as in a batch.

The limits are gates: `distill.evaluation.gates`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from distill.data.rows import Rows
from distill.evaluation import statistics
from distill.evaluation.contenders import Floats
from distill.runtime import batched
from handler.bundle.contract import Metric
from handler.model.predictor import Predictor

_CONSISTENCY_ROWS = 256
_BATCH_ROWS = 16


def against_floats(
    probabilities: Floats, torch_logits: Floats, float_logits: Floats, temperature: float
) -> tuple[Metric, ...]:
    """How far the float graph is from torch, and the served int8 graph's `probabilities` from it. All are [N,K]."""
    reference, exported = (softmax(x.astype(np.float64) / temperature, axis=1) for x in (torch_logits, float_logits))
    same = int((reference.argmax(axis=1) == probabilities.argmax(axis=1)).sum())
    return (
        _worst("parity_export", float(np.abs(reference - exported).max())),
        _worst("parity_int8", float(np.abs(reference - probabilities).max())),
        statistics.wilson("parity_int8_labels", same, len(probabilities)),
    )


def alone_and_in_batches(
    predictor: Predictor, test: Rows, feed: batched.Feeds = batched.feeds
) -> tuple[Metric, Metric]:
    """The largest difference between a row answered alone and in a batch, and how many change their label."""
    names = [column.name for column in predictor.serving.inputs]
    rows = min(len(test), _CONSISTENCY_ROWS)

    def answers(size: int) -> Floats:
        # In the order of the rows, not of their length, so that short texts stand beside long ones.
        columns = {name: test.columns[name][:rows] for name in names}
        return np.concatenate([predictor.run(dict(tensors))[0] for _, tensors in feed(columns, size)])

    alone, together = answers(1), answers(_BATCH_ROWS)
    changed = int((alone.argmax(axis=1) != together.argmax(axis=1)).sum())
    return _worst("batch_gap", float(np.abs(alone - together).max())), _worst("batch_label_changes", changed)


def _worst(name: str, value: float) -> Metric:
    """A largest value over rows: no sample statistic, so it has no interval."""
    value = float(f"{value:.3g}")
    return Metric(name, value, value, value, 0)
