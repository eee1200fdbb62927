"""A whole run in which mistakes do not cost the same, judged by one split and by cross-fitting."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from distill.commands.predict import answers
from distill.errors import RecipeError
from distill.experiments import run_log
from distill.modalities import resolve
from distill.pipeline.run import Outcome, run
from distill.reporting import caveats
from handler.bundle import contract, golden
from handler.model.predictor import Predictor
from tests.distill import made
from tests.distill.data.files import csv_text

RECIPE = """
[data]
source = "csv"
path = "rows.csv"
label = "label"
[teacher]
kind = "linear"
[student]
kind = "mlp"
width = 16
epochs = 30
batch_size = 16
learning_rate = 0.01
[costs]
abstain = 0.5
missed.{dangerous} = 20
[evaluation]
bootstrap = 200
repeats = {repeats}
[gates]
min_retention = 0
max_latency_ms = 1000
allow_worse = true
max_expected_cost = {most}
max_missed.good = 1
"""


def written(folder: Path, repeats: int = 0, most: float = 20, dangerous: str = "good") -> Outcome:
    rows = made.measurements(500, 3)
    random = np.random.default_rng(0)
    labels = np.where(random.random(len(rows)) < 0.15, 1 - rows.labels, rows.labels)  # some cannot be known
    cells = [[f"{rows.columns[name][i]:.4f}" for name in ("width", "weight")] for i in range(len(rows))]
    lines = [[*values, made.LABELS[label]] for values, label in zip(cells, labels.tolist(), strict=True)]
    (folder / "rows.csv").write_text(csv_text(("width", "weight", "label"), lines))
    (folder / "rows.toml").write_text(RECIPE.format(repeats=repeats, most=most, dangerous=dangerous))
    recipe, base = resolve.load(folder / "rows.toml")
    return run(recipe, base, folder / "out")


def test_a_run_with_costs_seals_a_bundle_that_decides_by_them(empty_cache: Path, tmp_path: Path) -> None:
    outcome = written(tmp_path)
    assert outcome.folder is not None
    predictor = Predictor.load(outcome.folder)
    costs = predictor.serving.costs
    assert costs == contract.Costs(((0.0, 1.0), (20.0, 0.0)), 0.5)
    found = predictor.predict([one.input for one in golden.read(outcome.folder)])
    assert all(one.decision is not None for one in found)
    assert {one.label for one in found if one.decision and one.decision.most_probable != one.label} <= {"good"}
    told = [json.loads(line) for line in answers(outcome.folder, json.dumps({"width": "-0.3", "weight": "1"}), None)]  # type: ignore[arg-type]
    assert "costs 20" in told[0]["decision"]["why"] or "costs least" in told[0]["decision"]["why"]

    evidence = outcome.evidence
    realised, argmax = evidence.metric("realised_cost"), evidence.metric("argmax_cost")
    assert realised.value < 0.4 * argmax.value
    assert evidence.metric("cost_difference").high < 0
    assert evidence.metric("parity_costs").value < 1e-6
    report, card = ((outcome.folder / name).read_text() for name in (contract.REPORT, contract.CARD))
    assert "What mistakes cost" in report and "Cost a row over the ratio of costs" in report
    assert "A missed good costs 20" in card
    kept = contract.read(outcome.folder)
    assert kept.evidence["costs"]["misses"][0]["label"] == "good"
    assert {"realised_cost", "argmax_cost", "cost_ratio"} <= {it.name for it in kept.serving.evidence}
    run_log.append(outcome, tmp_path / "out", 1.0)
    assert "cost a row" in run_log.listed(run_log.read(tmp_path / "out")).headings


def test_a_limit_on_what_decisions_cost_stops_the_seal(empty_cache: Path, tmp_path: Path) -> None:
    outcome = written(tmp_path, most=0.001)
    assert outcome.folder is None
    assert [it.name for it in outcome.gates if not it.passed] == ["max_expected_cost"]


def test_a_label_that_the_rows_have_not_is_told_before_a_teacher_is_fitted(
    empty_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RecipeError, match="costs.missed names 'goood'.*Did you mean 'good'"):
        written(tmp_path, dangerous="goood")
    assert "teacher" not in capsys.readouterr().err


@pytest.mark.slow
def test_cross_fitted_rows_judge_costs_too(empty_cache: Path, tmp_path: Path) -> None:
    outcome = written(tmp_path, repeats=1)
    realised, expected = outcome.evidence.metric("realised_cost"), outcome.evidence.metric("expected_cost")
    assert realised.n == 500
    assert outcome.evidence.metric("cost_difference").high < 0
    # Students that some fifty rows calibrate may expect too little; whether they do is told, and not promised.
    is_within = realised.low <= expected.value <= realised.high
    assert outcome.evidence.costs.is_as_expected == is_within
    assert any("expects its decisions to cost" in it for it in caveats.of(outcome.evidence)) != is_within
    [good, bad] = outcome.evidence.costs.misses
    assert good.rows + bad.rows == 500
