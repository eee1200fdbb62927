"""A copy of this checkout's own packages, for tests that edit the code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.png")


def packages(folder: Path) -> Path:
    """Copy distill/ and handler/ into `folder`."""
    for package in ("distill", "handler"):
        shutil.copytree(ROOT / package, folder / package, ignore=_LEFT_OUT)
    return folder


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Put `new` in the place of `old`, which stands in the file once."""
    text = (folder / file).read_text()
    assert text.count(old) == 1, f"{file} holds {text.count(old)} of {old!r}"
    (folder / file).write_text(text.replace(old, new))


def run(folder: Path, code: str, cache: Path) -> str:
    """Run a script on the copy, in `folder` and in a process of its own; returns what it prints."""
    environment = os.environ | {"PYTHONPATH": str(folder), "LIMBECK_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
