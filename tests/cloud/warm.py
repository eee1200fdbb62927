"""Commands of `python -m infra` in processes that are forked from a warm one: to be killed, or only to be quick."""

from __future__ import annotations

import os
import sys
import tempfile
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path


def start(arguments: tuple[str, ...], environment: dict[str, str], out: Path, err: Path | None = None) -> BaseProcess:
    """Start a command; what it says is appended to `out` and `err`, its exit status is the process's."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.cloud.preloaded"])
    process = context.Process(target=_command, args=(arguments, environment, out, err or out), daemon=True)
    process.start()
    return process


def _command(arguments: tuple[str, ...], environment: dict[str, str], out: Path, err: Path) -> None:
    for path, stream in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # ask TMPDIR anew
    from infra.__main__ import main

    sys.exit(main(arguments))
