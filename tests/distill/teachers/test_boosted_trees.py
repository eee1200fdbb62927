from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from distill.data.rows import Dataset, Rows
from distill.recipe.schema import Teacher as Config
from distill.teachers import boosted_trees, fit
from distill.teachers.teacher import Model, Teacher
from tests.distill import made

TREES = Config(kind="boosted_trees")


def teacher(dataset: Dataset, folds: int = 1) -> Teacher:
    return fit.fit(TREES, dataset, folds, 0, Path())


@pytest.fixture
def dataset(empty_cache: Path) -> Dataset:
    return made.tabular_dataset(150)


def test_trees_learn_through_holes_and_categories(dataset: Dataset) -> None:
    found = teacher(dataset)
    assert (found.logits(dataset.test).argmax(axis=1) == dataset.test.labels).mean() > 0.75
    assert found.kilobytes is not None
    assert found.weights_sha256 is None


def test_their_answers_are_log_probabilities(dataset: Dataset) -> None:
    np.testing.assert_allclose(np.exp(teacher(dataset).logits(dataset.test)).sum(axis=1), 1, atol=1e-4)


def test_any_number_and_any_word_gets_an_answer(dataset: Dataset) -> None:
    nan, inf = float("nan"), float("inf")
    odd = made.table_rows(
        {
            "width": [nan, inf, -inf, 1e30],
            "height": [nan, 0.0, -1e30, 3e38],
            "weight": [nan] * 4,
            "colour": ["", "never seen", "red", "\u2603"],
        }
    )
    assert np.isfinite(teacher(dataset).logits(odd)).all()


def test_a_rare_category_reads_as_an_unknown_one(empty_cache: Path) -> None:
    rows = made.measurements(60, 0)
    colours = rows.columns["colour"].copy()
    colours[:2] = "secretville"
    rows = replace(rows, columns=dict(rows.columns) | {"colour": colours})
    dataset = made.dataset_of("tabular", made.inputs_of(rows), [rows, rows, rows])
    teacher(dataset)
    assert not [path for path in empty_cache.rglob("*") if path.is_file() and b"secretville" in path.read_bytes()]


def test_fitted_trees_are_not_fitted_again(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first = teacher(dataset).full.logits(dataset.test)
    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", lambda *_: pytest.fail("fitted again"))
    assert teacher(dataset).full.logits(dataset.test).tolist() == first.tolist()


def test_each_fold_is_answered_by_trees_that_never_saw_it(dataset: Dataset) -> None:
    # Labels of noise can be learned by heart, but not by those that never saw the row.
    random = np.random.default_rng(0)
    noise = replace(dataset, train=replace(dataset.train, labels=random.integers(2, size=150)), fingerprint="0" * 64)
    found = teacher(noise, folds=3)
    seen = (found.logits(noise.train).argmax(axis=1) == noise.train.labels).mean()
    unseen = (found.out_of_fold_logits(noise.train).argmax(axis=1) == noise.train.labels).mean()
    assert seen > 0.6
    assert unseen < seen - 0.1


def fitted(train: Rows, validation: Rows, folder: Path, labels: Sequence[str] = made.LABELS) -> Model:
    """Trees of some of the rows, as of a fold."""
    dataset = made.dataset_of("tabular", made.inputs_of(validation), [validation] * 3, labels)
    return boosted_trees.prepare(TREES, dataset, 0, Path()).fit(train, "fold 1", lambda part: folder / part, "teacher")


def test_a_class_that_a_fold_lacks_gets_the_smallest_chance(empty_cache: Path) -> None:
    rows = made.measurements(90, 0)
    labels = rows.labels.copy()
    labels[:5] = 2
    three = replace(rows, labels=labels)
    without = three.take(three.labels != 2)
    model = fitted(without, three, empty_cache, (*made.LABELS, "odd"))
    logits = model.logits(three)
    assert logits.shape == (90, 3)
    assert (logits[:, 2] < -13).all()
    assert np.isfinite(logits).all()


def test_a_fold_of_one_class_alone_answers_with_that_class(empty_cache: Path) -> None:
    rows = made.measurements(40, 0)
    one = rows.take(rows.labels == 1)
    model = fitted(one, rows, empty_cache)
    assert (model.logits(rows).argmax(axis=1) == 1).all()
