"""`python -m distill`, as people run it: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# One split, a cheap teacher, few copies, and nothing that is tried on validation rows before it is taken.
QUICK = (
    "teacher.kind=linear transfer.folds=2 transfer.augment=1 student.epochs=4 student.temperature=2 "
    "student.gold_weight=0.3 evaluation.repeats=0 evaluation.bootstrap=100 gates.max_latency_ms=1000 "
    "gates.min_retention=0 gates.min_teacher_accuracy=0 gates.allow_worse=true"
).split()


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


Run = Callable[..., Done]


def distill(
    *arguments: str | Path,
    cache: Path,
    cwd: Path,
    stdin: bytes = b"",
    hash_seed: str = "0",
    overrides: Sequence[str] = (),
) -> Done:
    """Run the command; no run may ever show a traceback."""
    command = [sys.executable, "-m", "distill", *map(str, arguments)]
    for override in overrides:
        command += ["--set", override]
    environment = os.environ | {
        "LIMBECK_CACHE": str(cache),
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": hash_seed,
        "OMP_NUM_THREADS": "1",  # so small a run is slower on two
    }
    done = subprocess.run(command, cwd=cwd, env=environment, input=stdin, capture_output=True)
    found = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in found.out + found.err, found.err
    return found


@dataclass(frozen=True)
class Sealed:
    """One real run, which the tests of this module look at."""

    folder: Path
    cache: Path
    done: Done
