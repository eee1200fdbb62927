"""A student that was trained by other code is not taken from the cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.distill import copied
from tests.distill.data.files import csv_text

RECIPE = """
[data]
source = "csv"
path = "rows.csv"
label = "label"
soft_label_prefix = "p_"
[student]
epochs = 2
width = 8
"""
# The pipeline's own stages, up to the student.
SCRIPT = """
from distill.modalities import resolve
from distill.pipeline import build_student, training_inputs

recipe, base = resolve.load("recipe.toml")
recipe = resolve.resolved(recipe)
inputs = training_inputs.of(recipe, base)
build_student.teach(inputs, build_student.draft(inputs, recipe.student))
"""


def students(folder: Path) -> dict[str, int]:
    """The cached students, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "cache" / "students").glob("*.pt")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, and a cache with one student."""
    folder = copied.packages(tmp_path_factory.mktemp("trained"))
    rows = [(i % 7 + i * 0.1, i % 5, "ab"[i % 2], 0.9 - i % 2 * 0.8, 0.1 + i % 2 * 0.8) for i in range(80)]
    (folder / "rows.csv").write_text(csv_text(("x", "y", "label", "p_a", "p_b"), rows))
    (folder / "recipe.toml").write_text(RECIPE)
    copied.run(folder, SCRIPT, folder / "cache")
    assert len(students(folder)) == 1
    return folder


def test_a_student_trained_by_the_same_code_is_taken_from_the_cache(trained: Path) -> None:
    before = students(trained)
    copied.run(trained, SCRIPT, trained / "cache")
    assert students(trained) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("distill/training/losses.py", "temperature**2 * divergence", "divergence"),
        ("distill/training/train.py", 'judged < best["loss"]', 'judged <= best["loss"]'),
        # A change that the graph does not show.
        ("distill/modalities/tabular/prelude.py", "features[chunk] = part", "features[chunk] = np.minimum(part, CLIP)"),
        ("distill/teachers/precomputed.py", "_SMALLEST_PROBABILITY = 1e-4", "_SMALLEST_PROBABILITY = 0.2"),
    ],
    ids=["loss", "choice of the epoch", "prelude", "the teacher's answers"],
)
def test_a_student_trained_by_other_code_is_trained_again(
    trained: Path, tmp_path: Path, file: str, old: str, new: str
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(trained, changed)
    copied.edit(changed, file, old, new)
    copied.run(changed, SCRIPT, changed / "cache")
    assert len(students(changed)) == 2
