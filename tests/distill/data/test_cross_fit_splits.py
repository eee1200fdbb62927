"""Splits in which each labelled row is a test row once in every repeat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from distill.data import cross_fit_splits
from distill.data.rows import UNLABELLED, Dataset, Rows, concatenated
from tests.distill import made

UNKNOWN = 15


@pytest.fixture
def dataset() -> Dataset:
    parts = [made.measurements(count, seed) for seed, count in enumerate((130, 20, 23))]
    labels = parts[0].labels.copy()
    labels[:UNKNOWN] = UNLABELLED
    labels[UNKNOWN : UNKNOWN + 13] = 2  # a small class
    return made.dataset_of(
        "tabular", made.inputs_of(parts[0]), [replace(parts[0], labels=labels), *parts[1:]], ("a", "b", "c")
    )


def every(dataset: Dataset) -> Rows:
    return concatenated([dataset.train, dataset.validation, dataset.test])


def names(rows: Rows) -> set[str]:
    return set(rows.keys.tolist())


def test_every_labelled_row_is_tested_and_validates_once_a_repeat(dataset: Dataset) -> None:
    rows = every(dataset)
    known = sorted(rows.take(rows.labelled).keys.tolist())
    for repeat in range(2):
        parts = cross_fit_splits.splits(dataset, repeat)
        assert len(parts) == cross_fit_splits.FOLDS
        assert sorted(key for part in parts for key in part.test.keys.tolist()) == known
        assert sorted(key for part in parts for key in part.validation.keys.tolist()) == known


def test_a_split_holds_every_row_in_one_part_and_those_without_a_label_train(dataset: Dataset) -> None:
    rows = every(dataset)
    unknown = names(rows.take(~rows.labelled))
    assert len(unknown) == UNKNOWN
    for part in cross_fit_splits.splits(dataset, 0):
        assert len(part.train) + len(part.validation) + len(part.test) == len(rows)
        assert names(part.train) | names(part.validation) | names(part.test) == names(rows)
        assert unknown <= names(part.train)


def test_folds_are_alike_in_size_and_in_classes(dataset: Dataset) -> None:
    counts = np.array([np.bincount(part.test.labels, minlength=3) for part in cross_fit_splits.splits(dataset, 0)])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 1


def test_the_same_rows_in_another_order_are_split_the_same(dataset: Dataset) -> None:
    random = np.random.default_rng(0)
    rows = every(dataset)
    mixed = rows.take(random.permutation(len(rows)))
    other = replace(
        dataset,
        train=mixed.take(np.arange(100)),
        validation=mixed.take(np.arange(100, 110)),
        test=mixed.take(np.arange(110, len(rows))),
    )
    for one, two in zip(cross_fit_splits.splits(dataset, 1), cross_fit_splits.splits(other, 1), strict=True):
        assert (names(one.test), names(one.validation)) == (names(two.test), names(two.validation))


def test_repeats_are_split_apart_and_no_two_splits_share_a_cache(dataset: Dataset) -> None:
    first, second = cross_fit_splits.splits(dataset, 0), cross_fit_splits.splits(dataset, 1)
    assert names(first[0].test) != names(second[0].test)
    prints = [part.fingerprint for part in (*first, *second, cross_fit_splits.whole(dataset), dataset)]
    assert len(set(prints)) == len(prints)


def test_whole_is_the_dataset_whose_test_rows_train_too(dataset: Dataset) -> None:
    found = cross_fit_splits.whole(dataset)
    assert names(found.train) == names(dataset.train) | names(dataset.test)
    assert names(found.validation) == names(dataset.validation)
