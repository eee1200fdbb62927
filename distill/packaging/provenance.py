"""Where a bundle comes from: recipe, data, teacher, packages, commit. Never a path of the machine."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path, PurePath
from typing import Any

from distill.data.rows import Dataset
from distill.recipe.schema import Recipe
from distill.teachers.teacher import Teacher

_OWN = 'name = "limbeck"'  # in the project file of a checkout of Limbeck itself
_PACKAGES = ("limbeck", "torch", "onnx", "onnxscript", "onnxruntime", "numpy", "scikit-learn", "transformers")


def of(recipe: Recipe, dataset: Dataset, teacher: Teacher, cross_fitted: int = 0) -> dict[str, Any]:
    """The manifest's provenance section, as JSON values.

    `cross_fitted`: how many rows were judged by other students, where none was kept from this one.
    """
    return {
        "recipe": _recipe(recipe),
        "seed": recipe.seed,
        "data": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "licence": dataset.licence,
            "public": dataset.public,
            "notes": list(dataset.notes),
            "rows": {
                "train": len(dataset.train),
                "validation": len(dataset.validation),
                "test": 0 if cross_fitted else len(dataset.test),
                **({"cross_fitted": cross_fitted} if cross_fitted else {}),
            },
        },
        "teacher": {
            "id": teacher.id,
            "description": teacher.description,
            "licence": teacher.licence,
            "sha256": teacher.weights_sha256,
            "versions": dict(teacher.versions),
        },
        "packages": _versions(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "commit": _commit(),
    }


def _recipe(recipe: Recipe) -> dict[str, Any]:
    whole = recipe.model_dump(mode="json", exclude_none=True)
    if recipe.data.path is not None:
        whole["data"]["path"] = PurePath(recipe.data.path).name
    whole["teacher"]["model"] = PurePath(recipe.teacher.model).name
    if not recipe.costs.are_set:
        del whole["costs"], whole["gates"]["max_missed"]
    return whole


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    """The commit of Limbeck's own checkout, with "+changes" where tracked files differ from it; else "".

    Installed into somebody's project, the package lies in a checkout that is not its own: that one says nothing of it.
    """
    root = Path(__file__).parents[2]
    project = root / "pyproject.toml"
    if not (root / ".git").exists() or not project.is_file() or _OWN not in project.read_text(encoding="utf-8"):
        return ""
    answers = []
    for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]):
        try:
            done = subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True, check=False)
        except OSError:
            return ""
        if done.returncode != 0:
            return ""
        answers.append(done.stdout.strip())
    return answers[0] + ("+changes" if answers[1] else "")
