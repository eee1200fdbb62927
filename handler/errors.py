"""What can go wrong in the handler package.

HandlerError
├── BundleError    the bundle on disk cannot be trusted or read: the start stops
└── RequestError   one request cannot be answered: it gets a 4xx, the next one is served
"""

from __future__ import annotations


class HandlerError(Exception):
    """Root of everything this package raises on purpose."""


class BundleError(HandlerError):
    """A bundle is missing, tampered with, or of another schema. The message says what to do."""


class RequestError(HandlerError):
    """A request that cannot be answered, with the HTTP status it deserves.

    `pointer` is the RFC 6901 JSON pointer of the offending field, where there is one.
    Messages name columns, limits and types, never the value that was sent.
    """

    def __init__(self, status: int, kind: str, detail: str, pointer: str | None = None) -> None:
        """Keep `status` (HTTP), `kind` (stable slug of the problem type) and a detail for people."""
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.pointer = pointer
