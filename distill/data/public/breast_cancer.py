"""Breast cancer, Wisconsin diagnostic: 569 rows of 30 numbers, carried by scikit-learn."""

from __future__ import annotations

import numpy as np

from distill.data.rows import Pool
from handler.bundle.contract import Input


def read() -> Pool:
    """All rows, labelled "benign" or "malignant", under scikit-learn's column names."""
    from sklearn.datasets import load_breast_cancer  # slow to import, and only this set needs it

    bunch = load_breast_cancer()
    names = [str(name) for name in bunch.feature_names]
    classes = np.array([str(name) for name in bunch.target_names], dtype=object)
    return Pool(
        inputs=tuple(Input(name, "float32", "number") for name in names),
        columns={name: bunch.data[:, index].astype(np.float32) for index, name in enumerate(names)},
        labels=classes[bunch.target],
    )
