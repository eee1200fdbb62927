"""What can go wrong in the handler package.

HandlerError
├── BundleError    the bundle on disk cannot be trusted or read: it is not served
└── RequestError   one request cannot be answered: it gets a 4xx, the next one is served
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_NONE: Mapping[str, str] = MappingProxyType({})


class HandlerError(Exception):
    """Root of everything this package raises on purpose."""


class BundleError(HandlerError):
    """A bundle is missing, tampered with, or of another schema. The message says what to do."""


class RequestError(HandlerError):
    """A request that cannot be answered, with the HTTP status it deserves.

    `pointer` is the RFC 6901 JSON pointer of the offending field, where there is one.
    Messages name columns, limits and types, never the value that was sent.
    """

    def __init__(
        self, status: int, kind: str, detail: str, pointer: str | None = None, headers: Mapping[str, str] = _NONE
    ) -> None:
        """Keep `status` (HTTP), `kind` (stable slug of the problem type), a detail for people, and header fields."""
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.pointer = pointer
        self.headers = headers
