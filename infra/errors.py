"""What can go wrong in the infra package, and the exit status each gives.

InfraError
├── LocalError     1   the function cannot be built or run on this machine
├── ConfigError    2   arguments, settings, credentials or folders are wrong; or nothing of that name is there
├── RefusedError   4   a bundle is not as it was sealed, here or in the registry: nothing is kept of it
└── CloudError     5   S3 cannot be reached, or said no
"""

from __future__ import annotations


class InfraError(Exception):
    """Root of everything this package raises on purpose. Messages say what, where and what to do."""

    exit_status = 1


class LocalError(InfraError):
    """Docker, SAM or the emulator did not do its part. The message says what to do."""


class ConfigError(InfraError):
    """What was asked for cannot be done as asked: a bad name, no bucket named, no credentials, no such version."""

    exit_status = 2


class RefusedError(InfraError):
    """A bundle that is unsealed, tampered with, or not the one already in the registry under its version."""

    exit_status = 4


class CloudError(InfraError):
    """S3 could not be reached, refused the request, or had no time for it after retries."""

    exit_status = 5
