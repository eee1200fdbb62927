"""scikit-learn: TF-IDF of words, of characters or of both, with logistic regression."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union

from distill.experiments.peers.exchange import Model, Questions, Setting, main

# The lengths of the runs of words and of characters within words, and the inverse of the regularisation.
_SETTINGS: tuple[Setting, ...] = (
    {"words": (1, 2), "characters": None, "C": 3.0},
    {"words": (1, 2), "characters": (2, 5), "C": 1.0},
    {"words": None, "characters": (2, 5), "C": 1.0},
    {"words": (1, 2), "characters": (2, 5), "C": 3.0},
    {"words": (1, 2), "characters": None, "C": 10.0},
    {"words": (1, 1), "characters": (3, 6), "C": 1.0},
    {"words": (1, 2), "characters": None, "C": 1.0},
    {"words": None, "characters": (2, 5), "C": 3.0},
    {"words": (1, 3), "characters": (2, 5), "C": 1.0},
    {"words": (1, 2), "characters": (2, 5), "C": 10.0},
)
_MAX_TERMS = 100_000
_MAX_STEPS = 300


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Fit one pipeline."""
    classifier = LogisticRegression(C=setting["C"], max_iter=_MAX_STEPS, random_state=questions.seed)
    pipeline = make_pipeline(_features(setting), classifier)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(questions.train, questions.train_labels)
    return Model(
        description="TF-IDF and logistic regression",
        kilobytes=len(pickle.dumps(pipeline)) / 1000,  # as scikit-learn's users store it
        answer=pipeline.predict_proba,
        call=lambda text: pipeline.predict_proba([text]),
    )


def _features(setting: Setting) -> TfidfVectorizer | FeatureUnion:
    common = {"sublinear_tf": True, "max_features": _MAX_TERMS}
    kinds = {"words": {"token_pattern": r"(?u)\w+|[^\w\s]"}, "characters": {"analyzer": "char_wb"}}
    parts = [
        TfidfVectorizer(ngram_range=setting[name], **common, **own) for name, own in kinds.items() if setting[name]
    ]
    return make_union(*parts) if len(parts) > 1 else parts[0]  # a union costs every call something


if __name__ == "__main__":
    main({"tfidf": _SETTINGS}, ("scikit-learn", "scipy", "numpy"), fit)
