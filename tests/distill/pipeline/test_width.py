"""Columns that no graph could read within the gates are refused before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.errors import GateError
from distill.modalities import resolve
from distill.pipeline import run as spine
from distill.recipe.schema import Recipe
from distill.teachers import fit as teachers


def wide(folder: Path, columns: int, limits: str = "") -> Recipe:
    """A recipe of a made-up table of so many columns and 60 rows."""
    lines = [",".join([*(f"c{i}" for i in range(columns)), "label"])]
    lines += [",".join([*(str((row * (i + 3) * 31) % 97) for i in range(columns)), "ab"[row % 2]]) for row in range(60)]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    text = f'[data]\nsource = "csv"\npath = "rows.csv"\nlabel = "label"\n{limits}'
    (folder / "wide.toml").write_text(text)
    return resolve.load(folder / "wide.toml")[0]


class Trained(Exception):
    """A teacher is fitted."""


@pytest.fixture(autouse=True)
def no_teacher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fit(*_: object) -> None:
        raise Trained

    monkeypatch.setattr(teachers, "fit", fit)
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "cache"))


def test_columns_that_take_too_long_to_read_are_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(GateError) as caught:
        spine.run(wide(tmp_path, 900), tmp_path, tmp_path)
    told = str(caught.value)
    assert "columns are too many for a gate, so nothing is trained" in told
    assert "max_latency_ms: at least" in told
    assert "data.columns" in told


def test_a_student_too_large_for_its_gate_is_refused_before_training(tmp_path: Path) -> None:
    limits = "[gates]\nmax_kilobytes = 20\nmax_latency_ms = 1000\n"
    with pytest.raises(GateError, match="max_kilobytes: at least"):
        spine.run(wide(tmp_path, 150, limits), tmp_path, tmp_path)


@pytest.mark.parametrize(("columns", "limits"), [(150, ""), (900, "[gates]\nmax_latency_ms = 1000\n")])
def test_columns_within_the_gates_are_learned_from(tmp_path: Path, columns: int, limits: str) -> None:
    with pytest.raises(Trained):
        spine.run(wide(tmp_path, columns, limits), tmp_path, tmp_path)
