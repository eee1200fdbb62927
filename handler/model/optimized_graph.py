"""A graph derived from `model.onnx` when the image is built, optimised already: it opens faster and answers the same.

It lies beside `model.onnx` with a record of what it was made from and by. It is served only where every line of that
record holds here; otherwise `model.onnx` is, and nobody need know. It is no part of the sealed bundle: the manifest
does not list it, so it is never pushed, pulled or staged. `python3 -m handler.model.optimize FOLDER` makes it.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from handler.bundle.contract import OPTIMIZED_MODEL, OPTIMIZED_RECORD

# Fusions and folded constants only: what level "all" adds lays tensors out for the processor that builds the image.
LEVEL = "extended"


def find(folder: Path, source_sha256: str, runtime: str) -> bytes | None:
    """The derived graph in a bundle's folder, if it fits the `model.onnx` with this hash and this ONNX Runtime."""
    try:
        graph = (folder / OPTIMIZED_MODEL).read_bytes()
        found = json.loads((folder / OPTIMIZED_RECORD).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return graph if found == record(graph, source_sha256, runtime) else None


def record(graph: bytes, source_sha256: str, runtime: str) -> dict[str, str]:
    """All that must hold for the derived graph to be served."""
    return {
        "sha256": hashlib.sha256(graph).hexdigest(),
        "source_sha256": source_sha256,
        "onnxruntime": runtime,
        "level": LEVEL,
        "machine": os.uname().machine,  # a fusion may be known on one kind of processor only
    }
