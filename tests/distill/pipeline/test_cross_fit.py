"""Few rows are judged by cross-fitting; a whole run of it, with a teacher that is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill.data.keys import shared_key
from distill.data.rows import UNLABELLED, Dataset, Rows
from distill.errors import DataError
from distill.evaluation.evidence import TWIN
from distill.modalities import resolve
from distill.pipeline import cross_fit
from distill.pipeline.run import Outcome, run
from distill.recipe.schema import Data, Evaluation, Recipe
from handler.bundle import contract
from tests.distill import made
from tests.distill.data.files import csv_text

RECIPE = Recipe(name="rows", data=Data(source="csv", path="rows.csv", label="label"))


def rows_of(labelled: int, unlabelled: int = 0) -> Dataset:
    """A dataset of so many rows, of one content over and over: only their number and keys are of interest."""
    found = made.tabular_dataset(10, 10)
    train = found.train.take(np.zeros(labelled - 20 + unlabelled, np.int64))
    train = replace(train, keys=made.keys(range(len(train))))
    labels = np.arange(len(train)) % 2
    labels[len(labels) - unlabelled :] = UNLABELLED
    return replace(found, train=replace(train, labels=labels))


@pytest.mark.parametrize(("labelled", "times"), [(100, 2), (299, 2), (300, 1), (1999, 1), (2000, 0), (9000, 0)])
def test_the_fewer_rows_carry_a_label_the_oftener_each_is_judged(labelled: int, times: int) -> None:
    assert cross_fit.repeats(RECIPE, rows_of(labelled)) == times
    assert cross_fit.repeats(RECIPE, rows_of(labelled, unlabelled=5000)) == times


def test_a_class_of_fewer_families_than_folds_is_judged_by_one_split() -> None:
    def tied(families: int) -> Dataset:
        rows = rows_of(100)
        keys = [shared_key(f"family {i // 2 % families}", key) for i, key in enumerate(rows.train.keys.tolist())]
        one = replace(rows.train, keys=np.array(keys, dtype=object))
        return replace(rows, train=one, validation=one, test=one)

    few = tied(9)
    assert cross_fit.repeats(RECIPE, tied(10)) == 2
    assert cross_fit.repeats(RECIPE, few) == 0
    with pytest.raises(DataError, match="stands in 9 groups"):
        cross_fit.repeats(RECIPE.model_copy(update={"evaluation": Evaluation(repeats=1)}), few)


@pytest.mark.parametrize("times", [0, 1, 7])
def test_a_recipe_decides_how_often_whatever_the_rows(times: int) -> None:
    told = RECIPE.model_copy(update={"evaluation": Evaluation(repeats=times)})
    assert cross_fit.repeats(told, rows_of(100)) == cross_fit.repeats(told, rows_of(9000)) == times


def test_rows_with_a_split_of_their_own_or_a_group_to_hold_out_are_judged_by_it() -> None:
    split = replace(rows_of(100), given_split=True)
    held_out = RECIPE.model_copy(update={"evaluation": Evaluation(held_out_group="web")})
    assert cross_fit.repeats(RECIPE, split) == cross_fit.repeats(held_out, rows_of(100)) == 0


def test_a_precomputed_teacher_must_have_spoken_of_every_labelled_row() -> None:
    def spoken(rows: Rows, silent: int = 0) -> Rows:
        said = np.full((len(rows), 2), 0.5, np.float32)
        said[:silent] = np.nan
        return replace(rows, teacher_probabilities=said)

    rows = rows_of(100, unlabelled=5)
    whole = replace(rows, **{part: spoken(getattr(rows, part)) for part in ("train", "validation", "test")})
    assert cross_fit.repeats(RECIPE, whole) == 2
    assert cross_fit.repeats(RECIPE, replace(whole, train=spoken(rows.train, silent=1))) == 0
    backwards = rows.train.take(np.arange(len(rows.train))[::-1])  # those without a label come first
    assert cross_fit.repeats(RECIPE, replace(whole, train=spoken(backwards, silent=5))) == 2


WRONG = """
[data]
source = "csv"
path = "rows.csv"
label = "label"
soft_label_prefix = "p_"
[student]
kind = "mlp"
width = 16
epochs = 30
batch_size = 16
learning_rate = 0.01
[evaluation]
bootstrap = 100
repeats = {repeats}
[gates]
min_retention = 0
max_latency_ms = 1000
"""
ROWS = 300


def written(folder: Path, repeats: int) -> Outcome:
    """A run on rows whose teacher is sure of what a column says that has nothing to do with the label."""
    rows = made.measurements(ROWS, 3)
    lines = []
    for i, label in enumerate(rows.labels.tolist()):
        first = 0.99 if rows.columns["weight"][i] < 0 else 0.01
        cells = [f"{rows.columns[name][i]:.4f}" for name in ("width", "weight")]
        height = rows.columns["height"][i]
        lines.append(
            [*cells, "" if np.isnan(height) else f"{height:.4f}", made.LABELS[label], first, round(1 - first, 2)]
        )
    header = ("width", "weight", "height", "label", "p_bad", "p_good")
    (folder / "rows.csv").write_text(csv_text(header, lines))
    (folder / "rows.toml").write_text(WRONG.format(repeats=repeats))
    recipe, base = resolve.load(folder / "rows.toml")
    return run(recipe, base, folder / "out")


def is_no_worse(outcome: Outcome) -> bool:
    [pair] = [pair for pair in outcome.evidence.comparisons if pair.other == TWIN]
    return not pair.is_worse


def test_with_a_teacher_that_is_wrong_nothing_worse_than_the_twin_is_sealed_and_the_run_says_so(
    empty_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = written(tmp_path, repeats=0)
    assert is_no_worse(outcome) or outcome.folder is None
    assert "the teacher does not help: the student is taught by the gold labels alone" in capsys.readouterr().err
    assert {one.other for one in outcome.evidence.teacher_comparisons if one.is_worse} >= {TWIN}
    assert outcome.folder is not None
    assert "hard-label twin is clearly better than the teacher" in (outcome.folder / contract.CARD).read_text()
    assert contract.read(outcome.folder).provenance["recipe"]["student"]["gold_weight"] == 1.0


@pytest.mark.slow
def test_a_cross_fitted_run_judges_every_row_and_seals_a_student_of_all_rows(
    empty_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = written(tmp_path, repeats=1)
    evidence = outcome.evidence
    assert evidence.test_rows == ROWS
    assert evidence.judged.startswith(f"each of {ROWS} rows was judged by a student that never saw it")
    assert evidence.metric("accuracy").n == sum(map(sum, evidence.confusion)) == ROWS
    assert is_no_worse(outcome) and outcome.folder is not None
    manifest = contract.read(outcome.folder)
    counts = manifest.provenance["data"]["rows"]
    assert counts["train"] == ROWS - counts["validation"]
    assert (counts["test"], counts["cross_fitted"]) == (0, ROWS)
    assert evidence.judged in (outcome.folder / contract.CARD).read_text()
    assert "fold 10 of 10" in capsys.readouterr().err
