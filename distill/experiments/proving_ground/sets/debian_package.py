"""The files of a Debian package: downloaded once by apt-get and unpacked into the cache, never installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from distill import cache, progress
from distill.errors import FetchError

TIMEOUT_S = 600


def unpacked(package: str) -> Path:
    """The folder with the package's files, as they would lie below `/`.

    Raises:
        FetchError: no apt-get, no dpkg-deb, no network, or no such package in the machine's sources.
    """
    folder = cache.root() / "proving-ground" / "packages" / package
    if folder.is_dir():
        return folder
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise FetchError(f"This machine has no {program} to fetch the package {package}. Run on Debian or Ubuntu.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{package}-", dir=folder.parent) as scratch:
        Path(scratch).chmod(0o755)  # for the user _apt, as which apt fetches
        with progress.waiting(f"Fetching the Debian package {package} with apt-get"):
            _run(package, ["apt-get", "-q", "download", package], scratch)
        [archive] = Path(scratch).glob("*.deb")
        _run(package, ["dpkg-deb", "-x", archive.name, "files"], scratch)
        Path(scratch, "files").rename(folder)
    return folder


def _run(package: str, command: list[str], folder: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"{command[0]} took over {TIMEOUT_S} s for the package {package}. Run again.") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()[-1:]
        reason = lines[0].removeprefix("E: ") if lines else f"exit status {done.returncode}"
        raise FetchError(
            f"{command[0]} could not have the package {package}: {reason.rstrip('.')}. "
            "Check the network, run `apt-get update`, and run again."
        )
