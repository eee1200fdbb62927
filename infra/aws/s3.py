"""One S3 bucket as the registry sees it: list, read, and write on a condition. It deletes nothing.

A key is written if it does not exist yet, or if it still holds what was read from it.
Every failure leaves here as an InfraError that says what to do.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from botocore import exceptions as aws

from infra.aws.clients import S3Client, client, code_of, passing, requesting

_CHUNK_BYTES = 1 << 20
_CONFLICT_TRIES = 5  # S3 answers 409 while another conditional write of the same key is in flight
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".md": "text/markdown; charset=utf-8",
}
_ABSENT = ("NoSuchKey", "404")
_OTHERWISE = {"PreconditionFailed", "412"}
_ADVICE: Mapping[str, str] = {
    **dict.fromkeys(
        ("AccessDenied", "AllAccessDisabled", "Forbidden", "403"),
        "access denied ({code}). The credentials need s3:ListBucket on the bucket, and s3:GetObject and s3:PutObject "
        "on its objects",
    ),
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"),
        "the bucket is in another region ({code}). Set AWS_REGION to it",
    ),
    **dict.fromkeys(
        ("NotImplemented", "501"),
        "this store knows no conditional writes, which keep versions immutable. Use one that does",
    ),
    **dict.fromkeys(
        ("BadDigest", "XAmzContentSHA256Mismatch"),
        "the bytes changed on the way ({code}). Run the same command again",
    ),
}


@dataclass(frozen=True)
class Held:
    """An object's bytes, and S3's mark of this state of it."""

    body: bytes
    etag: str


class Bucket:
    """A bucket and the client that speaks to it."""

    def __init__(self, name: str, client: S3Client) -> None:
        """Keep both; no request is sent yet."""
        self.name = name
        self._client = client
        absent = f"there is no bucket {name}. Create it, or name another with --bucket or LIMBECK_REGISTRY"
        self._advice = {**_ADVICE, "NoSuchBucket": absent}

    def exists(self) -> bool:
        """Whether there is such a bucket."""
        with requesting(f"look for the bucket {self.name}"), passing("404", "NoSuchBucket"):
            self._client.head_bucket(Bucket=self.name)
            return True
        return False

    def create(self) -> None:
        """Make the bucket: private, and with old states of what is overwritten, which are tags alone."""
        region = self._client.meta.region_name
        where: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
        with requesting(f"create the bucket {self.name}"):
            with passing("BucketAlreadyOwnedByYou"):
                self._client.create_bucket(Bucket=self.name, **where)
            self._client.put_public_access_block(
                Bucket=self.name,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            )
            self._client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def stored(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        """Every object whose key starts with `prefix`, by key, as S3 lists it: Key, Size, LastModified and so on."""
        with requesting(f"list s3://{self.name}/{prefix}", self._advice):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
                yield from page.get("Contents", [])

    def copy(self, key: str, sink: BinaryIO) -> str | None:
        """Write the object's bytes to `sink` and return their SHA-256 in hex; None where there is no such key."""
        digest = hashlib.sha256()
        with requesting(f"read s3://{self.name}/{key}", self._advice), passing(*_ABSENT):
            answer = self._client.get_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
            for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                digest.update(chunk)
                sink.write(chunk)
            return digest.hexdigest()
        return None

    def read(self, key: str) -> Held | None:
        """An object's bytes and the mark of this state of it; None where there is no such key."""
        with requesting(f"read s3://{self.name}/{key}", self._advice), passing(*_ABSENT):
            answer = self._client.get_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
            return Held(answer["Body"].read(), answer["ETag"])
        return None

    def put_new(self, key: str, body: bytes) -> bool:
        """Write `body` under a key that does not exist. False, and nothing written, where it does.

        False too where an attempt did write and only its answer was lost: compare what is there with what you have.
        """
        return self._put(key, body, {"IfNoneMatch": "*"})

    def replace(self, key: str, body: bytes, etag: str) -> bool:
        """Write `body` over the state that `read` gave `etag` for. False, and nothing written, where it is another."""
        return self._put(key, body, {"IfMatch": etag})

    def _put(self, key: str, body: bytes, condition: Mapping[str, str]) -> bool:
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        kind = _CONTENT_TYPES.get(PurePosixPath(key).suffix, "application/octet-stream")
        options: Any = {"ChecksumSHA256": checksum, "ContentType": kind, **condition}
        with requesting(f"write s3://{self.name}/{key}", self._advice):
            for attempt in range(1, _CONFLICT_TRIES + 1):
                try:
                    self._client.put_object(Bucket=self.name, Key=key, Body=body, **options)
                except aws.ClientError as error:
                    if code_of(error) in _OTHERWISE or (code_of(error) in _ABSENT and "IfMatch" in condition):
                        return False
                    if code_of(error) != "ConditionalRequestConflict" or attempt == _CONFLICT_TRIES:
                        raise
                    time.sleep(0.1 * 2**attempt)
                else:
                    return True
        raise AssertionError("unreachable: the last attempt returns or raises")


def connect(name: str) -> Bucket:
    """The bucket called `name`, through boto3's usual settings.

    Raises:
        ConfigError: the settings or the endpoint make no sense.
    """
    return Bucket(name, client("s3"))
