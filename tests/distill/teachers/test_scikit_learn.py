"""A teacher of scikit-learn's: one choice of a setting, on validation rows, for the model of all rows and the folds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from distill.data.rows import Dataset, Rows
from distill.recipe.schema import Teacher as Config
from distill.teachers import extra_trees, fit, linear, scikit_learn
from tests.distill import made

KINDS = ["extra_trees", "linear", "boosted_trees"]


@dataclass
class Fits:
    """A stand-in for scikit-learn: what was fitted, on how many rows, with which setting."""

    dataset: Dataset
    done: list[tuple[int, object]] = field(default_factory=list)

    def fit(self, rows: Rows, setting: scikit_learn.Setting) -> scikit_learn.ScikitLearnModel:
        self.done.append((len(rows), setting["sure"]))
        return scikit_learn.ScikitLearnModel(Sure(float(str(setting["sure"]))), read, 2, setting)


def read(rows: Rows) -> np.ndarray:
    return (rows.columns["width"] > 0).astype(int)[:, None]


@dataclass(frozen=True)
class Sure:
    """It says one class or the other with this chance."""

    sure: float
    classes_ = np.array([0, 1])

    def predict_proba(self, table: np.ndarray) -> np.ndarray:
        second = np.where(table[:, 0] > 0, self.sure, 1 - self.sure)
        return np.stack([1 - second, second], axis=1)


@pytest.fixture
def dataset(empty_cache: Path) -> Dataset:
    return made.tabular_dataset(60, 200)


def of(fits: Fits, refine: object = None) -> scikit_learn.Unfitted:
    settings = [{"sure": 0.999}, {"sure": 0.75}, {"sure": 0.51}]
    return scikit_learn.unfitted("made", __name__, fits.dataset, settings, fits.fit, refine)  # type: ignore[arg-type]


def test_the_setting_with_the_least_loss_on_validation_rows_is_chosen_and_folds_reuse_it(
    dataset: Dataset, tmp_path: Path
) -> None:
    fits = Fits(dataset)
    unfitted = of(fits)
    model = unfitted.fit(dataset.train, scikit_learn.FULL, lambda part: tmp_path / part, "made")
    assert fits.done == [(60, 0.999), (60, 0.75), (60, 0.51)]  # width alone says three of four
    assert model.setting == {"sure": 0.75}  # type: ignore[attr-defined]
    unfitted.fit(dataset.train.take(np.arange(40)), "fold 1 of 3", lambda part: tmp_path / part, "made")
    assert fits.done[3:] == [(40, 0.75)]


def test_a_second_run_fits_nothing(dataset: Dataset, tmp_path: Path) -> None:
    fits, again = Fits(dataset), Fits(dataset)
    folders = {"folder_of": lambda part: tmp_path / part, "name": "made"}
    parts = ((dataset.train, scikit_learn.FULL), (dataset.train.take(np.arange(40)), "fold 1"))
    first = [of(fits).fit(rows, part, **folders).logits(dataset.test) for rows, part in parts]
    second = [of(again).fit(rows, part, **folders).logits(dataset.test) for rows, part in parts]
    assert again.done == []
    np.testing.assert_array_equal(first, second)


def test_what_a_model_is_refined_to_is_fitted_anew_and_judged_by_its_own_loss(dataset: Dataset, tmp_path: Path) -> None:
    fits = Fits(dataset)

    def refine(model: scikit_learn.ScikitLearnModel, held: Rows) -> tuple[scikit_learn.Setting, float]:
        better = {0.999: (0.8, 0.3), 0.75: (0.7, 0.2), 0.51: (0.5, 0.4)}[float(str(model.setting["sure"]))]
        return {"sure": better[0]}, better[1]

    model = of(fits, refine).fit(dataset.train, scikit_learn.FULL, lambda part: tmp_path / part, "made")
    assert model.setting == {"sure": 0.7}  # type: ignore[attr-defined]
    assert fits.done[-1] == (60, 0.7)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_learns_answers_anything_and_is_fitted_once(
    dataset: Dataset, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(kind=kind)
    first = fit.fit(config, dataset, 2, 0, Path())
    assert (first.logits(dataset.test).argmax(axis=1) == dataset.test.labels).mean() > 0.7
    nan, inf = float("nan"), float("inf")
    odd = {"width": [nan, inf, -inf, 1e30], "height": [nan, 0.0, -1e30, 3e38], "weight": [nan] * 4}
    strange = made.table_rows(odd | {"colour": ["", "never seen", "red", "\u2603"]})
    assert np.isfinite(first.full.logits(strange)).all()
    held = [model.logits(dataset.test) for model in (first.full, *first.folds)]
    monkeypatch.setattr(linear, "fitted", lambda *_: pytest.fail("fitted again"))
    monkeypatch.setattr(extra_trees.Smoothed, "fit", lambda *_: pytest.fail("fitted again"))
    again = fit.fit(config, dataset, 2, 0, Path())
    np.testing.assert_array_equal(held, [model.logits(dataset.test) for model in (again.full, *again.folds)])


def test_no_row_is_impossible_because_no_tree_has_seen_its_like(dataset: Dataset) -> None:
    found = np.exp(fit.fit(Config(kind="extra_trees"), dataset, 1, 0, Path()).logits(dataset.test))
    assert found.min() >= 0.5 / 201 - 1e-6


def test_a_class_that_the_rows_lack_gets_the_smallest_chance() -> None:
    found = scikit_learn.of_probabilities(Sure(0.75), np.array([[0.25, 0.75]]), 3)
    np.testing.assert_allclose(np.exp(found), [[0.25, 0.75, 1e-6]], rtol=1e-4)


def test_texts_are_learned_by_their_words(empty_cache: Path) -> None:
    dataset = made.text_dataset(300, 100)
    found = fit.fit(Config(kind="tfidf"), dataset, 2, 0, Path())
    assert (found.out_of_fold_logits(dataset.train).argmax(axis=1) == dataset.train.labels).mean() > 0.7
    other = replace(dataset, fingerprint="0" * 64)
    assert fit.fit(Config(kind="tfidf"), other, 2, 0, Path()).id != found.id
