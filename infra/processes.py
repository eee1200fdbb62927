"""Other programs on this machine: run to their end, or left running and stopped with everything that they started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.errors import LocalError

_STOP_SECONDS = 10.0


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
    *,
    cwd: Path | None = None,
    given: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with `given` as its standard input. Its exit status is the caller's affair.

    Raises:
        LocalError: there is no such program, or it does not end in time.
    """
    shown = " ".join([Path(command[0]).name, *command[1:2]])
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except OSError as error:
        raise LocalError(f"`{shown}` cannot be run ({error.strerror}). Install it, or name another.") from None
    except subprocess.TimeoutExpired:
        raise LocalError(f"`{shown}` did not end within {seconds:.0f} s. Run the same command again.") from None


def start(command: Sequence[str], environment: Mapping[str, str], cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a program that writes into `log`. Ctrl-C reaches this process alone, which calls `stop`."""
    with log.open("wb") as file:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], *signals: signal.Signals) -> None:
    """Send the signals one after the other, then SIGKILL, to a started program and its children, until all are gone."""
    for number in (*signals, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_STOP_SECONDS)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()
