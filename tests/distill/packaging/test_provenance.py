from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from distill.packaging import provenance
from distill.recipe.schema import Data, Recipe
from tests.distill import made

RECIPE = Recipe(name="made", data=Data(source="csv"))


def git(folder: Path, *arguments: str) -> str:
    somebody = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *somebody, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def committed(folder: Path, project: str) -> str:
    """Make a repository of what is in `folder`, and a project of this name; returns its commit."""
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{project}"\n')
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    return git(folder, "rev-parse", "HEAD")


def copy(root: Path) -> Path:
    """The module, as it lies in a checkout or an installation at `root`."""
    file = root / "distill" / "packaging" / "provenance.py"
    file.parent.mkdir(parents=True)
    shutil.copy(provenance.__file__, file)
    return file


def commit_named_by(file: Path) -> str:
    """What the module at this place says of a run."""
    spec = importlib.util.spec_from_file_location("copied_provenance", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    named: str = module.of(RECIPE, made.tabular_dataset(20, 10), made.teacher(made.SmallEncoder()))["commit"]
    return named


def test_a_checkout_names_its_commit_and_whether_it_was_changed(tmp_path: Path) -> None:
    file = copy(tmp_path)
    commit = committed(tmp_path, "limbeck")
    (tmp_path / "untracked.txt").write_text("of no account")
    assert commit_named_by(file) == commit
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "limbeck"\nversion = "2"\n')
    assert commit_named_by(file) == f"{commit}+changes"


@pytest.mark.parametrize("place", [".", "venv/lib/python3.12/site-packages", "vendored"])
def test_a_copy_within_another_repository_names_no_commit(tmp_path: Path, place: str) -> None:
    file = copy(tmp_path / place)
    committed(tmp_path, "somebody-elses")
    assert commit_named_by(file) == ""


def test_a_copy_in_no_repository_names_no_commit(tmp_path: Path) -> None:
    assert commit_named_by(copy(tmp_path)) == ""
