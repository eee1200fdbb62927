"""axe-core, which finds what people who cannot see or point would stumble over: from npm, at one version."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from distill import cache as kept

VERSION = "4.14.1"
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
_FILE = f"axe-core-{VERSION}.tgz"
_SCRIPT = "package/axe.min.js"


@cache
def script() -> str:
    """Its source, from the cache or from npm as this machine has it set up."""
    archive = kept.root() / "web" / _FILE
    if not archive.is_file() or _integrity(archive) != INTEGRITY:
        with tempfile.TemporaryDirectory() as folder, kept.replacing(archive) as temporary:
            command = ["npm", "pack", f"axe-core@{VERSION}", "--ignore-scripts", "--silent"]
            subprocess.run([*command, "--pack-destination", folder], cwd=folder, check=True, capture_output=True)
            temporary.write_bytes((Path(folder) / _FILE).read_bytes())
    assert _integrity(archive) == INTEGRITY, f"npm served another {_FILE} than the pinned one"
    with tarfile.open(archive) as tar:
        member = tar.extractfile(_SCRIPT)
        assert member is not None
        return member.read().decode()


def _integrity(path: Path) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
