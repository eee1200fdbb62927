"""What stands before a logistic regression: TF-IDF of texts, scaled and one-hot columns."""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from distill.data.rows import Rows
from distill.privacy.disclosure import MIN_ROWS
from handler.bundle.contract import Input

_MAX_TERMS = 100_000  # of words and pairs, and of runs of characters
_WORD = r"(?u)\w+|[^\w\s]"


def of_words(inputs: tuple[Input, ...]) -> TfidfVectorizer:
    """Words and pairs of them, not yet fitted."""
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=_MAX_TERMS, token_pattern=_WORD)


def of_words_and_characters(inputs: tuple[Input, ...]) -> FeatureUnion:
    """Words, pairs, and runs of two to five characters inside words, not yet fitted."""
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, max_features=_MAX_TERMS)
    return FeatureUnion([("words", of_words(inputs)), ("characters", characters)])


def of_columns(inputs: tuple[Input, ...]) -> ColumnTransformer:
    """Scaled numbers, their holes marked, and one-hot categories, not yet fitted."""
    numbers = [place for place, column in enumerate(inputs) if column.dtype == "float32"]
    words = [place for place, column in enumerate(inputs) if column.dtype == "string"]
    scaled = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=MIN_ROWS)
    return ColumnTransformer([("numbers", scaled, numbers), ("categories", hot, words)])


def texts(inputs: tuple[Input, ...], rows: Rows) -> np.typing.NDArray[np.generic]:
    """The texts [N]."""
    return rows.columns[inputs[0].name]


def cells(inputs: tuple[Input, ...], rows: Rows) -> np.typing.NDArray[np.generic]:
    """The cells [N,F], an infinite number as a hole."""
    columns = []
    for column in inputs:
        values = rows.columns[column.name]
        if column.dtype == "float32":
            values = np.where(np.isinf(values.astype(np.float64)), np.nan, values.astype(np.float64))
        columns.append(values.astype(object))
    return np.stack(columns, axis=1)
