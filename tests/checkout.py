"""A second checkout to build images from: what somebody built in this one stays as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copy(root: Path, tag: str) -> Path:
    """Copy what `sam build` needs into `root`, with an image tag of its own."""
    for folder in ("handler", "infra"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".dockerignore", root)
    template = (ROOT / "template.yaml").read_text()
    assert "DockerTag: latest" in template
    (root / "template.yaml").write_text(template.replace("DockerTag: latest", f"DockerTag: {tag}"))
    if (ROOT / ".venv-sam").is_dir():
        (root / ".venv-sam").symlink_to(ROOT / ".venv-sam")
    return root
