"""Which version of a bundle is meant where only the folder of its name was given."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from handler.bundle.contract import LATEST, MANIFEST
from handler.errors import BundleError


def newest(folder: Path) -> Path:
    """The bundle meant by `folder`: itself if it is one, else the newest sealed one among its versions.

    `bundles/<name>` holds a folder a version, and a file that names the last one sealed.

    Raises:
        BundleError: there is no sealed bundle in `folder`.
    """
    if (folder / MANIFEST).is_file():
        return folder
    sealed = sorted(folder.glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime)
    with suppress(OSError, UnicodeDecodeError):
        latest = folder / (folder / LATEST).read_text(encoding="utf-8").strip()
        if latest / MANIFEST in sealed:
            return latest
    if not sealed:
        raise BundleError(
            f"No sealed bundle in {folder}: wanted a folder with {MANIFEST}, or one of such folders. "
            "Make one with `python -m distill run RECIPE --out bundles`."
        )
    return sealed[-1].parent
