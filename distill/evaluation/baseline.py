"""The plain contender: TF-IDF or one-hot with logistic regression, its strength chosen on validation rows."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import sklearn
from sklearn.pipeline import Pipeline

from distill import cache
from distill.data.rows import Dataset, Rows
from distill.modalities.modality import BaselineParts, Floats
from distill.progress import track
from distill.teachers import linear, scikit_learn


@dataclass(frozen=True)
class Baseline:
    """A fitted scikit-learn pipeline."""

    pipeline: Pipeline
    description: str
    dataset: Dataset
    parts: BaselineParts

    def probabilities(self, rows: Rows) -> Floats:
        """Probabilities [N,K]."""
        found = self.pipeline.predict_proba(self.parts.table(self.dataset.inputs, rows))
        return np.exp(scikit_learn.of_probabilities(self.pipeline, found, len(self.dataset.labels)))

    def call_one(self, rows: Rows, place: int) -> None:
        """Raw input to probabilities for one row."""
        self.pipeline.predict_proba(self.parts.table(self.dataset.inputs, rows.take(np.array([place]))))

    def kilobytes(self) -> float:
        """Size as scikit-learn's users store it, pickled."""
        return len(pickle.dumps(self.pipeline)) / 1000


def fit(parts: BaselineParts, dataset: Dataset) -> Baseline:
    """Fit one pipeline a strength on labelled training rows and keep the best on validation rows; kept by content."""
    code = cache.code(__name__, parts.features.__module__, parts.table.__module__)
    key = cache.key("baseline", code, dataset.fingerprint, sklearn.__version__)
    path = cache.root() / "baselines" / f"{key}.pickle"
    found: tuple[Pipeline, float] | None = cache.stored(path, lambda file: pickle.loads(file.read_bytes()))
    if found is None:
        found = _best(parts, dataset)
        with cache.replacing(path) as temporary:
            temporary.write_bytes(pickle.dumps(found))
    pipeline, strength = found
    return Baseline(pipeline, f"{parts.description} + logistic regression, C={strength:g}", dataset, parts)


def _best(parts: BaselineParts, dataset: Dataset) -> tuple[Pipeline, float]:
    """The fitted pipeline under which the validation labels are most likely, and its C."""
    train, held = dataset.train.take(dataset.train.labelled), dataset.validation
    tables = [parts.table(dataset.inputs, rows) for rows in (train, held)]

    def loss(pipeline: Pipeline) -> float:
        logits = scikit_learn.of_probabilities(pipeline, pipeline.predict_proba(tables[1]), len(dataset.labels))
        return scikit_learn.log_loss(logits, held.labels)

    fitted = [
        (linear.fitted(parts.features(dataset.inputs), strength, tables[0], train.labels), strength)
        for strength in track(linear.STRENGTHS, "baseline")
    ]
    return min(fitted, key=lambda found: loss(found[0]))
