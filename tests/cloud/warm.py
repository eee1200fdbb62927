"""Commands of `python -m infra` in processes that are forked from a warm one: to be killed, a hundred times over."""

from __future__ import annotations

import os
import sys
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path


def start(arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> BaseProcess:
    """Start a command; what it says goes to `log`, its exit status is the process's."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.cloud.preloaded"])
    process = context.Process(target=_command, args=(arguments, environment, log), daemon=True)
    process.start()
    return process


def _command(arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> None:
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.environ.clear()
    os.environ.update(environment)
    from infra.__main__ import main

    sys.exit(main(arguments))
