"""What can go wrong in the infra package.

InfraError
└── LocalError    the function cannot be built or run on this machine
"""

from __future__ import annotations


class InfraError(Exception):
    """Root of everything this package raises on purpose."""


class LocalError(InfraError):
    """Docker, SAM or the emulator did not do its part. The message says what to do."""
