"""One S3 bucket as the registry sees it: list, read, and write a key that must not exist yet. It deletes nothing.

Every failure leaves here as an InfraError that says what to do. The endpoint is boto3's own affair
(`AWS_ENDPOINT_URL`, `AWS_PROFILE`, `AWS_REGION`, `AWS_MAX_ATTEMPTS` and so on).
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

import boto3
from botocore import exceptions as aws
from botocore.config import Config

from infra.errors import CloudError, ConfigError, InfraError, RefusedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1 << 20
_CONFLICT_TRIES = 5  # S3 answers 409 while another conditional write of the same key is in flight
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".md": "text/markdown; charset=utf-8",
}
_NO_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.SSOError,
    aws.LoginError,
)
_WRONG_SETTINGS = (aws.ProfileNotFound, aws.ConfigParseError, aws.InvalidConfigError, aws.ParamValidationError)
_CREDENTIALS_REFUSED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
}
_DENIED = {"AccessDenied", "AccountProblem", "AllAccessDisabled", "Forbidden", "403"}
_THROTTLED = {
    "503",
    "BandwidthLimitExceeded",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
}
_ABSENT = {"NoSuchKey", "404"}


@dataclass(frozen=True)
class Stored:
    """An object in the bucket."""

    key: str
    size_bytes: int
    modified: datetime


class Bucket:
    """A bucket and the client that speaks to it."""

    def __init__(self, name: str, client: S3Client) -> None:
        """Keep both; nothing is asked of S3 yet."""
        self.name = name
        self._client = client

    def stored(self, prefix: str) -> Iterator[Stored]:
        """Every object whose key starts with `prefix`, by key."""
        with self._asking(f"list s3://{self.name}/{prefix}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
                for item in page.get("Contents", []):
                    yield Stored(item["Key"], item["Size"], item["LastModified"])

    def copy(self, key: str, sink: BinaryIO) -> str | None:
        """Write the object's bytes to `sink` and return their SHA-256 in hex; None where there is no such key."""
        digest = hashlib.sha256()
        with self._asking(f"read s3://{self.name}/{key}"):
            try:
                answer = self._client.get_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
            except aws.ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
            for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                digest.update(chunk)
                sink.write(chunk)
        return digest.hexdigest()

    def put_new(self, key: str, body: bytes) -> bool:
        """Write `body` under a key that does not exist. False, and nothing written, where it does."""
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        kind = _CONTENT_TYPES.get(PurePosixPath(key).suffix, "application/octet-stream")
        with self._asking(f"write s3://{self.name}/{key}"):
            for attempt in range(1, _CONFLICT_TRIES + 1):
                try:
                    self._client.put_object(
                        Bucket=self.name,
                        Key=key,
                        Body=body,
                        IfNoneMatch="*",
                        ChecksumSHA256=checksum,
                        ContentType=kind,
                    )
                except aws.ClientError as error:
                    if _code(error) == "PreconditionFailed":
                        return False
                    if _code(error) != "ConditionalRequestConflict" or attempt == _CONFLICT_TRIES:
                        raise
                    time.sleep(0.1 * 2**attempt)
                else:
                    return True
        raise AssertionError("unreachable: the last attempt returns or raises")

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (aws.BotoCoreError, aws.ClientError) as error:
            raise _explained(error, doing, self.name) from None


def connect(name: str) -> Bucket:
    """The bucket called `name`, through boto3's usual settings.

    Raises:
        ConfigError: the settings or the endpoint make no sense.
    """
    # A stand-in for S3 seldom answers to bucket.host names.
    elsewhere = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    style = {"addressing_style": "path"} if elsewhere else {}
    config = Config(retries={"mode": "standard"}, connect_timeout=10, read_timeout=60, s3=style)  # type: ignore[arg-type]
    try:
        client = boto3.session.Session().client("s3", config=config)
    except (aws.BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"The AWS settings cannot be used ({_first_line(error)}). "
            "Check AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL."
        ) from None
    return Bucket(name, client)


def _explained(error: aws.BotoCoreError | aws.ClientError, doing: str, bucket: str) -> InfraError:
    """The same failure in words: what was tried, what came back, what to do."""
    if isinstance(error, aws.ClientError):
        return _answered(error, doing, bucket)
    if isinstance(error, _NO_CREDENTIALS):
        return ConfigError(
            f"Cannot {doing}: no usable AWS credentials ({type(error).__name__}). "
            "Run `aws configure` or `aws sso login`, or set AWS_PROFILE."
        )
    if isinstance(error, _WRONG_SETTINGS):
        return ConfigError(f"Cannot {doing}: {_first_line(error)}. Check the bucket's name and the AWS settings.")
    if isinstance(error, (aws.FlexibleChecksumError, aws.IncompleteReadError)):
        return RefusedError(
            f"Cannot {doing}: the bytes that came are not those that were stored ({type(error).__name__}). "
            "Try again; if it stays so, push the bundle again from where it was sealed."
        )
    if isinstance(error, (aws.HTTPClientError, aws.ConnectionError)):
        return CloudError(
            f"Cannot {doing}: S3 did not answer ({type(error).__name__}). "
            "Check the network, the proxy and AWS_ENDPOINT_URL, then run the same command again."
        )
    return CloudError(f"Cannot {doing}: {type(error).__name__}: {_first_line(error)}. Run the same command again.")


def _answered(error: aws.ClientError, doing: str, bucket: str) -> InfraError:
    code = _code(error)
    if code == "NoSuchBucket":
        advice = f"there is no bucket {bucket}. Create it, or name another with --bucket or LIMBECK_REGISTRY"
    elif code in _DENIED:
        advice = (
            f"access denied ({code}). The credentials need s3:ListBucket on the bucket, "
            "and s3:GetObject and s3:PutObject on its objects"
        )
    elif code in _CREDENTIALS_REFUSED:
        advice = f"the credentials were refused ({code}). Log in again, and check this machine's clock"
    elif code in _THROTTLED:
        advice = f"S3 is throttling or busy ({code}) and stayed so through the retries. Run the same command later"
    elif code in ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"):
        advice = f"the bucket is in another region ({code}). Set AWS_REGION to it"
    elif code in ("NotImplemented", "501"):
        advice = "this store knows no conditional writes, which keep versions immutable. Use one that does"
    elif code in ("BadDigest", "XAmzContentSHA256Mismatch"):
        advice = f"the bytes changed on the way ({code}). Run the same command again"
    else:
        advice = f"S3 answered {code}. Run the same command again; if it stays so, look the code up in S3's error list"
    return CloudError(f"Cannot {doing}: {advice}.")


def _code(error: aws.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "an error without a code"))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(". ")
