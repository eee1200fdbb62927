"""Which version of a bundle is meant where only the folder of its name was given."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from handler.bundle.contract import LATEST, MANIFEST
from handler.errors import BundleError

BUNDLES = Path("bundles")  # where a run puts them unless it is told otherwise
_LONGEST = 80  # characters of a path that a message repeats: it may be a text, given in the wrong place
_MOST_NAMED = 5


def newest(folder: Path) -> Path:
    """The bundle meant by `folder`: itself if it is one, else the newest sealed one among its versions.

    `bundles/<name>` holds a folder a version, and a file `latest` that names the last one sealed, which it means too.

    Raises:
        BundleError: there is no sealed bundle in `folder`; the message names those that are here, or how to make one.
    """
    sealed: list[Path] = []
    with suppress(OSError, ValueError):  # a name too long, or with a NUL
        if folder.name == LATEST and folder.is_file():
            folder = folder.parent
        if (folder / MANIFEST).is_file():
            return folder
        sealed = sorted(folder.glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime)
    with suppress(OSError, ValueError):
        latest = folder / (folder / LATEST).read_text(encoding="utf-8").strip()
        if latest / MANIFEST in sealed:
            return latest
    if not sealed:
        shown = str(folder) if len(str(folder)) <= _LONGEST else f"{str(folder)[:_LONGEST]}..."
        raise BundleError(
            f"No sealed bundle in {shown}: wanted a folder with {MANIFEST}, or one of such folders. {_instead(folder)}"
        )
    return sealed[-1].parent


def _instead(folder: Path) -> str:
    """What somebody may have meant, or how to make a bundle."""
    here = sorted({path.parents[1].name for path in BUNDLES.glob(f"*/*/{MANIFEST}")})
    if folder.name in here:
        return f"Did you mean {BUNDLES / folder.name}?"
    if here:
        more = f" and {len(here) - _MOST_NAMED} more" if len(here) > _MOST_NAMED else ""
        return f"Sealed here: {', '.join(str(BUNDLES / name) for name in here[:_MOST_NAMED])}{more}."
    return "Make one with `limbeck run RECIPE`; `limbeck run breast-cancer` needs no data of yours."
