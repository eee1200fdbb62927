"""A registry in moto's S3, in this process: what tests do with it. Its fixtures are in `conftest.py`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from handler.bundle import contract
from handler.bundle.contract import SIGNATURE
from handler.bundle.signature import Trust
from infra.aws import s3
from infra.registry.references import Reference
from infra.registry.registry import Progress, PushPlan, Registry, nothing
from infra.signing import signer
from infra.signing.keys import PemSigner

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = "tiny-text"


@cache
def client() -> S3Client:
    """One for all: making a client takes longer than everything a test does with it."""
    return boto3.client("s3")


@cache
def connection() -> s3.Bucket:
    return s3.connect("shelf")


def shelf(prefix: str = "bundles") -> Registry:
    return Registry(connection(), prefix)


@cache
def key() -> PemSigner:
    return PemSigner(rsa.generate_private_key(65537, 3072))


@cache
def other_key() -> PemSigner:
    return PemSigner(rsa.generate_private_key(65537, 3072))


def sign(folder: Path, manifest: contract.Manifest, text: bytes) -> bytes:
    return signer.signed(text, key())


def sign_otherwise(folder: Path, manifest: contract.Manifest, text: bytes) -> bytes:
    return signer.signed(text, other_key())


def trust(name: str = NAME) -> Trust:
    return Trust(name, (key().public,))


def plan_push(folder: Path, prefix: str = "bundles") -> PushPlan:
    return shelf(prefix).plan_push(folder, sign)


def push(folder: Path, prefix: str = "bundles") -> int:
    return shelf(prefix).push(plan_push(folder, prefix))


def pull(out: Path, wanted: Reference = Reference(NAME), done: Progress = nothing) -> Path:  # noqa: B008
    return shelf().pull(wanted, out, trust(), done)


def keys() -> list[str]:
    """Of what belongs to a version: no tags, no history."""
    listed = client().list_objects_v2(Bucket="shelf").get("Contents", [])
    return [item["Key"] for item in listed if "/tags/" not in item["Key"] and "/history/" not in item["Key"]]


def everything(folder: Path) -> dict[str, bytes]:
    """All files but the signature, which a sealed bundle gets when it is pushed."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != SIGNATURE)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def key_of(folder: Path, file: str) -> str:
    return f"bundles/{NAME}/{contract.read(folder).version}/{file}"


def torn(folder: Path, uploaded: int) -> None:
    """Push as a process does that is killed after so many files."""
    done: list[str] = []

    def killed(file: str, size_bytes: int) -> None:
        done.append(file)
        if len(done) == uploaded:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shelf().push(plan_push(folder), killed)


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))


def resealed(sealed: Path, folder: Path, files: tuple[str, ...] = ("report.html",)) -> Path:
    """The same model and serving section, so the same version, with other files beside them."""
    shutil.copytree(sealed, folder)
    manifest = contract.read(folder)
    for file in files:
        (folder / file).write_text("another day's")
    hashes = {file: contract.sha256_of(folder / file) for file in manifest.files}
    (folder / "manifest.json").write_text(contract.dumps(replace(manifest, files=hashes)))
    assert contract.read(folder).version == manifest.version
    return folder
