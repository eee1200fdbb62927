"""AWS clients, and the errors of AWS in plain words. Every other module of this package calls AWS through here.

Every failure leaves `requesting` as an InfraError that says what was tried, what came back and what to do. Endpoint,
region, credentials and the number of attempts are boto3's own affair (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`,
`AWS_PROFILE`, `AWS_REGION`, `AWS_MAX_ATTEMPTS` and so on).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3
from botocore import exceptions as aws
from botocore.config import Config
from botocore.parsers import ResponseParserError

from infra.errors import CloudError, ConfigError, InfraError, RefusedError

if TYPE_CHECKING:  # the stubs are for development alone
    from mypy_boto3_cloudwatch import CloudWatchClient as CloudWatchClient
    from mypy_boto3_ecr import ECRClient as ECRClient
    from mypy_boto3_kms import KMSClient as KMSClient
    from mypy_boto3_lambda import LambdaClient as LambdaClient
    from mypy_boto3_s3 import S3Client as S3Client
else:
    CloudWatchClient = ECRClient = KMSClient = LambdaClient = S3Client = Any

# Their stubs are not among the development tools.
CloudFormationClient: TypeAlias = Any
CodeDeployClient: TypeAlias = Any

_CONNECT_SECONDS, _READ_SECONDS = 10, 60
# What an answer's error code means, and what to do. Services spell the same code in many ways.
_MEANINGS: tuple[tuple[str, type[InfraError], str], ...] = (
    (
        "404|NoSuchKey|(Alias|Image|Repository|Resource)?NotFound(Exception)?",
        ConfigError,
        "it is not there ({said}). Check the name and AWS_REGION",
    ),
    (
        "403|AccessDenied(Exception)?|AccountProblem|AllAccessDisabled|Forbidden|UnauthorizedOperation",
        CloudError,
        "access denied ({said}). Ask for a role that may do this ({operation})",
    ),
    (
        "ExpiredToken(Exception)?|RequestExpired|RequestTimeTooSkewed|IncompleteSignature|SignatureDoesNotMatch|"
        "Invalid(AccessKeyId|ClientTokenId|SignatureException|Token)|UnrecognizedClientException",
        CloudError,
        "the credentials were rejected ({code}). Log in again, and check this machine's clock",
    ),
    (
        "429|503|SlowDown|ServiceUnavailable(Exception)?|Throttl(ing|ed)(Exception)?|RequestThrottled(Exception)?|"
        "(Bandwidth|Request)?LimitExceeded(Exception)?|TooManyRequests(Exception)?",
        CloudError,
        "AWS is throttling or busy ({code}) and stayed so through the retries. Run the same command later",
    ),
)
_ANOTHER = (
    "AWS answered {said}. Run the same command again; if it stays so, look the code up in the service's error list "
    "({operation})"
)
# What a request without an answer means, and what to do.
_FAILURES: tuple[tuple[tuple[type[aws.BotoCoreError], ...], type[InfraError], str], ...] = (
    (
        (
            aws.NoCredentialsError,
            aws.PartialCredentialsError,
            aws.CredentialRetrievalError,
            aws.TokenRetrievalError,
            aws.SSOError,
            aws.LoginError,
        ),
        ConfigError,
        "no usable AWS credentials ({kind}). Run `aws configure` or `aws sso login`, or set AWS_PROFILE",
    ),
    (
        (
            aws.ProfileNotFound,
            aws.ConfigParseError,
            aws.InvalidConfigError,
            aws.NoRegionError,
            aws.ParamValidationError,
        ),
        ConfigError,
        "{line}. Check the names given and the AWS settings",
    ),
    (
        (aws.FlexibleChecksumError, aws.IncompleteReadError),
        RefusedError,
        "the bytes that came are not those that were stored ({kind}). Try again; if it stays so, push the bundle again "
        "from where it was sealed",
    ),
    (
        (aws.HTTPClientError, aws.ConnectionError),
        CloudError,
        "AWS did not answer ({kind}). Check the network, the proxy and AWS_ENDPOINT_URL, then run the same command "
        "again",
    ),
    ((aws.BotoCoreError,), CloudError, "{kind}: {line}. Run the same command again"),
)


def client(service: str) -> Any:  # noqa: ANN401 - whoever keeps it says which of several hundred it is
    """A client of one service, through boto3's usual settings and with its standard retries.

    Raises:
        ConfigError: the settings or the endpoint make no sense.
    """
    # A stand-in for S3 seldom answers to bucket.host names.
    elsewhere = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    style = {"addressing_style": "path"} if elsewhere and service == "s3" else {}
    try:
        return boto3.session.Session().client(  # type: ignore[call-overload]
            service,
            config=Config(
                retries={"mode": "standard"},
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                s3=style,  # type: ignore[arg-type]
            ),
        )
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
def requesting(doing: str, advice: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn what botocore raises inside into an error of ours: "Cannot {doing}: ...".

    `advice`: what to say for a service's own error codes, without a full stop; `{code}` stands for the code.

    Raises:
        ConfigError: credentials, settings or a name are wrong.
        RefusedError: the bytes that came are not those that were stored.
        CloudError: AWS did not answer, or said no.
    """
    try:
        yield
    except (aws.BotoCoreError, aws.ClientError) as error:
        raise _explained(error, doing, advice or {}) from None
    except (ResponseParserError, KeyError):  # not its format, or nothing of what it always holds
        raise CloudError(
            f"Cannot {doing}: what came back is no answer of AWS's. Check the proxy and AWS_ENDPOINT_URL, then run the "
            "same command again."
        ) from None


@contextmanager
def passing(*codes: str) -> Iterator[None]:
    """Leave the block at an answer with one of these error codes: the caller takes it for an answer like others."""
    try:
        yield
    except aws.ClientError as error:
        if code_of(error) not in codes:
            raise


def code_of(error: aws.ClientError) -> str:
    """The error code of an answer, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", "an error without a code"))


def _explained(error: aws.BotoCoreError | aws.ClientError, doing: str, advice: Mapping[str, str]) -> InfraError:
    """The same failure in words: what was tried, what came back, what to do."""
    if isinstance(error, aws.ClientError):
        code = code_of(error)
        known = ((meant, text) for codes, meant, text in _MEANINGS if re.fullmatch(codes, code))
        meant, text = (CloudError, advice[code]) if code in advice else next(known, (CloudError, _ANOTHER))
        operation = getattr(error, "operation_name", "") or "the operation"
        what = text.format(code=code, said=_said(error), operation=operation)
    else:
        meant, text = next((meant, text) for kinds, meant, text in _FAILURES if isinstance(error, kinds))
        what = text.format(kind=type(error).__name__, line=_first_line(error))
    return meant(f"Cannot {doing}: {what}.")


def _said(error: aws.ClientError) -> str:
    """The code, and the service's own words where it has any."""
    words = str(error.response.get("Error", {}).get("Message") or "").strip().splitlines()[:1]
    return ": ".join([code_of(error), *(word.rstrip(". ") for word in words)])


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(". ")
