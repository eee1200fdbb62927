"""Stands in for Docker: `python -m tests.cloud.stand_in CONTEXT URI`.

The image is a copy of the build's context in the folder STAND_IN_IMAGES, called by its digest, and ECR gets a manifest
of that digest. So an image holds exactly what Docker would have built it from: handler, bundle, trusted keys.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import boto3

_MEDIA = "application/vnd.oci.image.manifest.v1+json"


def main(context: str, uri: str) -> int:
    repository, _, tag = uri.partition("/")[2].rpartition(":")
    images = Path(os.environ["STAND_IN_IMAGES"])
    layer = hashlib.sha256(b"".join(_hashed(path, Path(context)) for path in sorted(Path(context).rglob("*"))))
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MEDIA,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 1, "digest": "sha256:0"},
            "layers": [{"digest": f"sha256:{layer.hexdigest()}", "size": 1}],
        }
    )
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    draft = images / f".{digest}.{os.getpid()}"
    shutil.copytree(context, draft)
    try:
        draft.rename(images / digest)
    except OSError:  # there already
        shutil.rmtree(draft)
    ecr = boto3.client("ecr")
    try:
        ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag, imageDigest=f"sha256:{digest}")
    except ecr.exceptions.ImageAlreadyExistsException:
        pass  # as `docker push` of what is there
    return 0


def _hashed(path: Path, root: Path) -> bytes:
    return (
        f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
        if path.is_file()
        else b""
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
