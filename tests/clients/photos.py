"""A stand-in for the bundle `clothing`, whose photographs are not here: its name, two of its labels, told by colour."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests import bundles

_EVENT = Path(__file__).parents[2] / "events" / "photo.json"
PHOTO = "photo.jpg"  # as docs/clients.md calls it


def stand_in(folder: Path) -> None:
    """Seal it in `folder`."""
    bundles.image_bundle(folder, bundles.image_serving(labels=("pants", "longsleeve")), "clothing")


def photo(folder: Path) -> None:
    """Write the picture of the sample events into `folder`, where the clients look for it."""
    (folder / PHOTO).write_bytes(base64.b64decode(json.loads(_EVENT.read_text())["body"]))
