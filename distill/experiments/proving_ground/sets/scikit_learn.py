"""Tables that scikit-learn carries."""

from __future__ import annotations

from typing import Any

from sklearn import datasets

from distill.experiments.proving_ground.sets.proving_set import LABEL, Cells


def iris() -> Cells:
    """Fisher's 150 irises: four measurements -> species."""
    return _cells(datasets.load_iris())


def wine() -> Cells:
    """178 wines: thirteen chemical measurements -> cultivar."""
    return _cells(datasets.load_wine())


def digits() -> Cells:
    """1,797 handwritten digits: 64 counts of ink -> the digit."""
    return _cells(datasets.load_digits())


def _cells(bunch: Any) -> Cells:  # noqa: ANN401 - scikit-learn's Bunch has no fields for mypy
    names = [str(name) for name in bunch.feature_names]
    classes = [str(name) for name in bunch.target_names]
    rows = [
        (*(f"{value:g}" for value in row), classes[target])
        for row, target in zip(bunch.data.tolist(), bunch.target.tolist(), strict=True)
    ]
    return Cells((*names, LABEL), rows)
