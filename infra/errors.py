"""What can go wrong in the infra package, and the exit status each gives.

InfraError
├── LocalError     1   the function cannot be built or run on this machine
├── ConfigError    2   arguments, settings, credentials or folders are wrong; or nothing of that name is there
├── StoppedError   3   a release was stopped by a wrong golden answer or an alarm; its traffic went back
├── RefusedError   4   a bundle is not as it was sealed, here or in the registry: nothing is kept of it
└── CloudError     5   AWS cannot be reached, or said no
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from handler.errors import BundleError


class InfraError(Exception):
    """Root of everything this package raises on purpose. Messages say what, where and what to do."""

    exit_status = 1


class LocalError(InfraError):
    """Docker, SAM or the emulator did not do its part. The message says what to do."""


class ConfigError(InfraError):
    """What is wanted cannot be done as it is named: a bad name, no bucket named, no credentials, no such version."""

    exit_status = 2


class StoppedError(InfraError):
    """A release that misbehaved. The message says what was wrong and where the traffic is now."""

    exit_status = 3


class RefusedError(InfraError):
    """A bundle that is unsealed, tampered with, or not the one already in the registry under its version."""

    exit_status = 4


class CloudError(InfraError):
    """AWS could not be reached, rejected the request, or had no time for it after retries."""

    exit_status = 5


@contextmanager
def refusing(advice: str = "") -> Iterator[None]:
    """Raise a BundleError of the handler as a RefusedError, with advice on what to do where it has none.

    Raises:
        RefusedError: the bundle was refused inside.
    """
    try:
        yield
    except BundleError as error:
        raise RefusedError(f"{error} {advice}".strip()) from None
