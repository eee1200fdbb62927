"""A bundle's image: the folder it is built from, the tag that names all that is in there, and what builds it.

The folder is made for one release, so two at once do not disturb each other, and what was hashed is what is built.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from handler.bundle import contract
from handler.bundle.signature import Trust
from infra.aws.ecr import Images
from infra.errors import LocalError
from infra.image import container, staging
from infra.processes import run

_CODE_DIGITS = 12
_TAG = re.compile(rf"([a-z0-9][a-z0-9._-]*)-([0-9a-f]{{12}})-[0-9a-f]{{{_CODE_DIGITS}}}")
_FILES = ("infra/Dockerfile", "infra/constraints-image.txt")
_BUILD_SECONDS = 1800
_SAID = 800  # characters of a failed build's output that are shown

# Builds a context with its `infra/Dockerfile` and pushes it under a URI (host/repository:tag), or raises a LocalError.
Builder = Callable[[Path, str], None]


def lay(bundle: Path, trust: Trust, context: Path, root: Path = staging.ROOT) -> contract.Manifest:
    """Put all that the image is made of into the new folder `context`: handler, Dockerfile, bundle, trusted keys.

    Raises:
        BundleError: the bundle is not as it was sealed.
    """
    shutil.copytree(root / "handler", context / "handler", ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        (context / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(root / name, context / name)
    manifest = staging.stage(bundle, context, trust)
    staging.stage_certificates(context)
    return manifest


def tag_of(manifest: contract.Manifest, context: Path) -> str:
    """NAME-VERSION-CODE: CODE is a hash of every file in the context, so the same tag is the same image.

    But for the certificates, which are this machine's, and the signature, which may be made anew for the same bytes.
    """
    left_out = {staging.CERTIFICATES, contract.SIGNATURE}
    files = sorted(path for path in context.rglob("*") if path.is_file() and path.name not in left_out)
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(context)} {contract.sha256_of(path)}\n".encode())
    return f"{manifest.name}-{manifest.version}-{digest.hexdigest()[:_CODE_DIGITS]}"


def bundle_of(tag: str) -> str:
    """NAME/VERSION of the bundle in the image under a tag; empty where `tag_of` did not make it."""
    found = _TAG.fullmatch(tag)
    return f"{found[1]}/{found[2]}" if found else ""


def by_docker(images: Images, context: Path, uri: str) -> None:
    """See `Builder`: Docker, on this machine. The password of the repository is in no file but a temporary one."""
    host = container.docker_host()
    base = container.base_image(host)
    registry, user, password = images.login()
    # Lambda takes no index with attestations, which newer builders add.
    environment = os.environ | {"DOCKER_HOST": host} | {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    _demand(
        [
            *("docker", "build", "-f", str(context / "infra/Dockerfile")),
            *("--build-arg", f"BASE_IMAGE={base}", "-t", uri, str(context)),
        ],
        environment,
    )
    with tempfile.TemporaryDirectory() as folder:
        environment["DOCKER_CONFIG"] = folder
        _demand(["docker", "login", "--username", user, "--password-stdin", registry], environment, password)
        _demand(["docker", "push", uri], environment)


def by_command(command: str, context: Path, uri: str) -> None:
    """See `Builder`: another program, as `COMMAND CONTEXT URI`."""
    _demand([*shlex.split(command), str(context), uri], dict(os.environ))


def _demand(command: list[str], environment: dict[str, str], given: str = "") -> None:
    """Run a program that has to succeed."""
    done = run(command, environment, _BUILD_SECONDS, given=given)
    if done.returncode != 0:
        raise LocalError(
            f"`{' '.join(command[:2])}` failed with status {done.returncode}. It ends with:\n"
            + (done.stdout[-_SAID:] + done.stderr[-_SAID:]).strip()
        )
