"""The plain contender: TF-IDF or one-hot with logistic regression, its strength chosen on validation rows."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from distill import cache
from distill.data.rows import Dataset, Rows
from distill.modalities.modality import BaselineParts, Floats
from distill.progress import track

_STRENGTHS = (0.3, 1.0, 3.0, 10.0)


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
        result = np.zeros((len(rows), len(self.dataset.labels)), np.float32)
        result[:, self.pipeline.classes_] = found
        return result

    def call_one(self, rows: Rows, place: int) -> None:
        """Raw input to probabilities for one row."""
        self.pipeline.predict_proba(self.parts.table(self.dataset.inputs, rows.take(np.array([place]))))

    def kilobytes(self) -> float:
        """Size as scikit-learn's users store it, pickled."""
        return len(pickle.dumps(self.pipeline)) / 1000


def fit(parts: BaselineParts, dataset: Dataset, seed: int) -> Baseline:
    """Fit one pipeline a strength on labelled training rows and keep the best on validation rows; kept by content."""
    code = cache.code(__name__, parts.features.__module__, parts.table.__module__)
    key = cache.key("baseline", code, dataset.fingerprint, sklearn.__version__, seed)
    path = cache.root() / "baselines" / f"{key}.pickle"
    found: tuple[Pipeline, float] | None = cache.stored(path, lambda file: pickle.loads(file.read_bytes()))
    if found is None:
        found = _best(parts, dataset, seed)
        with cache.replacing(path) as temporary:
            temporary.write_bytes(pickle.dumps(found))
    pipeline, strength = found
    return Baseline(pipeline, f"{parts.description} + logistic regression, C={strength:g}", dataset, parts)


def _best(parts: BaselineParts, dataset: Dataset, seed: int) -> tuple[Pipeline, float]:
    """The fitted pipeline with the best validation accuracy, and its C."""
    train = dataset.train.take(dataset.train.labelled)
    table, held = (parts.table(dataset.inputs, rows) for rows in (train, dataset.validation))
    best: tuple[float, float, Pipeline] | None = None
    for strength in track(_STRENGTHS, "baseline"):
        pipeline = make_pipeline(
            parts.features(dataset.inputs), LogisticRegression(C=strength, max_iter=300, random_state=seed)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            pipeline.fit(table, train.labels)
        accuracy = float((pipeline.predict(held) == dataset.validation.labels).mean())
        if best is None or accuracy > best[0]:
            best = (accuracy, strength, pipeline)
    assert best is not None  # noqa: S101 - _STRENGTHS is not empty
    return best[2], best[1]
