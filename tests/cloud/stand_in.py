"""Stands in for Docker: `python tests/cloud/stand_in.py CONTEXT URI`.

The image is a copy of the build's context in the folder STAND_IN_IMAGES, called by its digest, and ECR gets a manifest
of that digest. So an image holds exactly what Docker would have built it from: handler, bundle, trusted keys. It speaks
to ECR without boto3, which would take longer to start than all the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

_MEDIA = "application/vnd.oci.image.manifest.v1+json"
_SCOPE = "AWS4-HMAC-SHA256 Credential=testing/20260101/eu-central-1/ecr/aws4_request, SignedHeaders=h, Signature=0"
_TRIES = 5
_THERE = ("ImageAlreadyExistsException", "ImageTagAlreadyExistsException")


def main(context: str, uri: str) -> int:
    repository, _, tag = uri.partition("/")[2].rpartition(":")
    images = Path(os.environ["STAND_IN_IMAGES"])
    files = sorted(path for path in Path(context).rglob("*") if path.is_file())
    layer = hashlib.sha256("".join(_hashed(path, Path(context)) for path in files).encode()).hexdigest()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MEDIA,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 1, "digest": "sha256:0"},
            "layers": [{"digest": f"sha256:{layer}", "size": 1}],
        }
    )
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    draft = images / f".{digest}.{os.getpid()}"
    shutil.copytree(context, draft)
    try:
        draft.rename(images / digest)
    except OSError:  # there already
        shutil.rmtree(draft)
    asked = {
        "repositoryName": repository,
        "imageManifest": manifest,
        "imageTag": tag,
        "imageDigest": f"sha256:{digest}",
    }
    return _put(asked)


def _put(asked: dict[str, str]) -> int:
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.PutImage",
        "Authorization": _SCOPE,
    }
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], json.dumps(asked).encode(), headers)
    said = ""
    for attempt in range(_TRIES):  # as Docker does
        time.sleep(0.2 * attempt)
        try:
            urllib.request.urlopen(request, timeout=30).close()
            return 0
        except urllib.error.HTTPError as error:
            said = error.read().decode()
            if any(code in said for code in _THERE):  # as `docker push` of what is there
                return 0
    sys.stderr.write(said)
    return 1


def _hashed(path: Path, root: Path) -> str:
    return f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
