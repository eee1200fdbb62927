"""The plain contender for columns: scaled numbers and one-hot categories."""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from distill.data.rows import Rows
from distill.privacy.disclosure import MIN_ROWS
from handler.bundle.contract import Input


def features(inputs: tuple[Input, ...]) -> ColumnTransformer:
    """What stands before the logistic regression, not yet fitted."""
    numbers = [place for place, column in enumerate(inputs) if column.dtype == "float32"]
    words = [place for place, column in enumerate(inputs) if column.dtype == "string"]
    scaled = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=MIN_ROWS)
    return ColumnTransformer([("numbers", scaled, numbers), ("categories", hot, words)])


def table(inputs: tuple[Input, ...], rows: Rows) -> np.typing.NDArray[np.generic]:
    """The cells [N,F], an infinite number as a hole."""
    columns = []
    for column in inputs:
        values = rows.columns[column.name]
        if column.dtype == "float32":
            values = np.where(np.isinf(values.astype(np.float64)), np.nan, values.astype(np.float64))
        columns.append(values.astype(object))
    return np.stack(columns, axis=1)
