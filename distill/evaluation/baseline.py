"""The plain contender: TF-IDF or one-hot with logistic regression, its strength chosen on validation rows."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from distill import cache
from distill.data.rows import Dataset, Rows
from distill.progress import track

_STAGE = "baseline/1"
_STRENGTHS = (0.3, 1.0, 3.0, 10.0)
_MAX_TERMS = 100_000


@dataclass(frozen=True)
class Baseline:
    """A fitted scikit-learn pipeline."""

    pipeline: Pipeline
    description: str
    dataset: Dataset

    def probabilities(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Probabilities [N,K]."""
        found = self.pipeline.predict_proba(_table(self.dataset, rows))
        result = np.zeros((len(rows), len(self.dataset.labels)), np.float32)
        result[:, self.pipeline.classes_] = found
        return result

    def call_one(self, rows: Rows, place: int) -> None:
        """Raw input to probabilities for one row."""
        self.pipeline.predict_proba(_table(self.dataset, rows.take(np.array([place]))))

    def kilobytes(self) -> float:
        """Size as scikit-learn's users store it, pickled."""
        return len(pickle.dumps(self.pipeline)) / 1000


def fit(dataset: Dataset, seed: int) -> Baseline:
    """Fit one pipeline a strength on labelled training rows and keep the best on validation rows; kept by content."""
    key = cache.key(_STAGE, dataset.fingerprint, sklearn.__version__, _STRENGTHS, seed)
    path = cache.root() / "baselines" / f"{key}.pickle"
    found: tuple[Pipeline, float] | None = cache.stored(path, lambda file: pickle.loads(file.read_bytes()))
    if found is None:
        found = _best(dataset, seed)
        with cache.replacing(path) as temporary:
            temporary.write_bytes(pickle.dumps(found))
    pipeline, strength = found
    start = "TF-IDF (words and pairs)" if dataset.task == "text" else "scaled and one-hot columns"
    return Baseline(pipeline, f"{start} + logistic regression, C={strength:g}", dataset)


def _best(dataset: Dataset, seed: int) -> tuple[Pipeline, float]:
    """The fitted pipeline with the best validation accuracy, and its C."""
    train = dataset.train.take(dataset.train.labelled)
    table, held = _table(dataset, train), _table(dataset, dataset.validation)
    best: tuple[float, float, Pipeline] | None = None
    for strength in track(_STRENGTHS, "baseline"):
        pipeline = make_pipeline(_features(dataset), LogisticRegression(C=strength, max_iter=300, random_state=seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            pipeline.fit(table, train.labels)
        accuracy = float((pipeline.predict(held) == dataset.validation.labels).mean())
        if best is None or accuracy > best[0]:
            best = (accuracy, strength, pipeline)
    assert best is not None  # noqa: S101 - _STRENGTHS is not empty
    return best[2], best[1]


def _features(dataset: Dataset) -> TfidfVectorizer | ColumnTransformer:
    if dataset.task == "text":
        return TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, max_features=_MAX_TERMS, token_pattern=r"(?u)\w+|[^\w\s]"
        )
    numbers = [place for place, column in enumerate(dataset.inputs) if column.dtype == "float32"]
    words = [place for place, column in enumerate(dataset.inputs) if column.dtype == "string"]
    scaled = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=3)
    return ColumnTransformer([("numbers", scaled, numbers), ("categories", hot, words)])


def _table(dataset: Dataset, rows: Rows) -> npt.NDArray[np.generic]:
    if dataset.task == "text":
        return rows.columns["text"]
    columns = []
    for column in dataset.inputs:
        values = rows.columns[column.name]
        if column.dtype == "float32":
            values = np.where(np.isinf(values.astype(np.float64)), np.nan, values.astype(np.float64))
        columns.append(values.astype(object))
    return np.stack(columns, axis=1)
