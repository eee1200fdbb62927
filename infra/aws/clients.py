"""AWS clients, and the errors of AWS in plain words. Every other module of this package calls AWS through here.

Every failure leaves `requesting` as an InfraError that says what was tried, what came back and what to do. Endpoint,
region, credentials and the number of attempts are boto3's own affair (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`,
`AWS_PROFILE`, `AWS_REGION`, `AWS_MAX_ATTEMPTS` and so on).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import boto3
from botocore import exceptions as aws
from botocore.config import Config
from botocore.parsers import ResponseParserError

from infra.errors import CloudError, ConfigError, InfraError, RefusedError

_NO_ADVICE: Mapping[str, str] = MappingProxyType({})
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
_NO_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.SSOError,
    aws.LoginError,
)
_WRONG_SETTINGS = (
    aws.ProfileNotFound,
    aws.ConfigParseError,
    aws.InvalidConfigError,
    aws.NoRegionError,
    aws.ParamValidationError,
)
_CREDENTIALS_REJECTED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AccountProblem",
    "AllAccessDisabled",
    "Forbidden",
    "UnauthorizedOperation",
    "403",
}
_THROTTLED = {
    "429",
    "503",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
}
_ABSENT = {
    "404",
    "AliasNotFound",
    "ImageNotFoundException",
    "NoSuchKey",
    "NotFoundException",
    "RepositoryNotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
}


def client(service: str) -> Any:  # noqa: ANN401 - whoever keeps it says which of several hundred it is
    """A client of one service, through boto3's usual settings and with its standard retries.

    Raises:
        ConfigError: the settings or the endpoint make no sense.
    """
    # A stand-in for S3 seldom answers to bucket.host names.
    elsewhere = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    style = {"addressing_style": "path"} if elsewhere and service == "s3" else {}
    config = Config(
        retries={"mode": "standard"},
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        s3=style,  # type: ignore[arg-type]
    )
    try:
        return boto3.session.Session().client(service, config=config)  # type: ignore[call-overload]
    except (aws.BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"The AWS settings cannot be used ({_first_line(error)}). "
            "Check AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL."
        ) from None


def caller() -> str:
    """Who the credentials are, as an ARN, to be kept beside what was done; `unknown` where AWS does not say."""
    try:
        return str(client("sts").get_caller_identity()["Arn"])
    except (aws.BotoCoreError, aws.ClientError, ResponseParserError, KeyError):
        return "unknown"  # S3 took the write, so the credentials are good: a record without a name is better than none


@contextmanager
def requesting(doing: str, advice: Mapping[str, str] = _NO_ADVICE) -> Iterator[None]:
    """Turn what botocore raises inside into an error of ours: "Cannot {doing}: ...".

    `advice`: what to say for a service's own error codes, without a full stop.

    Raises:
        ConfigError: credentials, settings or a name are wrong.
        RefusedError: the bytes that came are not those that were stored.
        CloudError: AWS did not answer, or said no.
    """
    try:
        yield
    except (aws.BotoCoreError, aws.ClientError) as error:
        raise _explained(error, doing, advice) from None
    except (ResponseParserError, KeyError):  # not its format, or nothing of what it always holds
        raise CloudError(
            f"Cannot {doing}: what came back is no answer of AWS's. Check the proxy and AWS_ENDPOINT_URL, then run the "
            "same command again."
        ) from None


def code_of(error: aws.ClientError) -> str:
    """The error code of an answer, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", "an error without a code"))


def _explained(error: aws.BotoCoreError | aws.ClientError, doing: str, advice: Mapping[str, str]) -> InfraError:
    """The same failure in words: what was tried, what came back, what to do."""
    if isinstance(error, aws.ClientError):
        return _answered(error, doing, advice)
    if isinstance(error, _NO_CREDENTIALS):
        return ConfigError(
            f"Cannot {doing}: no usable AWS credentials ({type(error).__name__}). "
            "Run `aws configure` or `aws sso login`, or set AWS_PROFILE."
        )
    if isinstance(error, _WRONG_SETTINGS):
        return ConfigError(f"Cannot {doing}: {_first_line(error)}. Check the names given and the AWS settings.")
    if isinstance(error, (aws.FlexibleChecksumError, aws.IncompleteReadError)):
        return RefusedError(
            f"Cannot {doing}: the bytes that came are not those that were stored ({type(error).__name__}). "
            "Try again; if it stays so, push the bundle again from where it was sealed."
        )
    if isinstance(error, (aws.HTTPClientError, aws.ConnectionError)):
        return CloudError(
            f"Cannot {doing}: AWS did not answer ({type(error).__name__}). "
            "Check the network, the proxy and AWS_ENDPOINT_URL, then run the same command again."
        )
    return CloudError(f"Cannot {doing}: {type(error).__name__}: {_first_line(error)}. Run the same command again.")


def _answered(error: aws.ClientError, doing: str, advice: Mapping[str, str]) -> InfraError:
    code = code_of(error)
    if code in advice:
        return CloudError(f"Cannot {doing}: {advice[code]}.")
    if code in _ABSENT:
        return ConfigError(f"Cannot {doing}: it is not there ({_said(error)}). Check the name and AWS_REGION.")
    if code in _DENIED:
        what = f"access denied ({_said(error)}). Ask for a role that may do this ({_operation(error)})"
    elif code in _CREDENTIALS_REJECTED:
        what = f"the credentials were rejected ({code}). Log in again, and check this machine's clock"
    elif code in _THROTTLED:
        what = f"AWS is throttling or busy ({code}) and stayed so through the retries. Run the same command later"
    else:
        what = (
            f"AWS answered {_said(error)}. Run the same command again; if it stays so, look the code up in the "
            f"service's error list ({_operation(error)})"
        )
    return CloudError(f"Cannot {doing}: {what}.")


def _said(error: aws.ClientError) -> str:
    """The code, and the service's own words where it has any."""
    words = str(error.response.get("Error", {}).get("Message") or "").strip().splitlines()[:1]
    return ": ".join([code_of(error), *(word.rstrip(". ") for word in words)])


def _operation(error: aws.ClientError) -> str:
    return str(getattr(error, "operation_name", "") or "the operation")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(". ")
