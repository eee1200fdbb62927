"""Responses: JSON, problem documents (RFC 9457) and bytes. How each event source wraps them is in `events.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from handler.errors import RequestError
from handler.model.predictor import Prediction

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
PROBLEM_URN = "urn:limbeck:problem:"
# RFC 9110's names: Python's own changed between its versions.
TITLES: Mapping[int, str] = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True)
class Response:
    """One response, before it takes the shape that its event source wants."""

    status: int
    content: dict[str, Any]
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()  # what the content says, for telemetry
    packed: bytes | None = None  # the body, where it is not made from the content
    is_binary: bool = False  # whether the body is something else than UTF-8 text

    @cached_property
    def body(self) -> bytes:
        """The bytes to send: the content as compact JSON, or what is packed already."""
        return dumps(self.content) if self.packed is None else self.packed


def dumps(content: object) -> bytes:
    """Compact JSON in ASCII: some clients take JSON without a charset for Latin-1 (Windows PowerShell 5.1)."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def problem(error: RequestError, request_id: str, *, says_error: bool = False) -> Response:
    """The problem document of a request that cannot be answered; `instance` is the request's id.

    `says_error`: with the member that the Open Inference Protocol's clients read.
    """
    content: dict[str, Any] = {
        "type": PROBLEM_URN + error.kind,
        "title": TITLES[error.status],
        "status": error.status,
        "detail": error.detail,
    }
    if error.pointer is not None:
        content["pointer"] = error.pointer
    content["instance"] = request_id
    if says_error:
        content["error"] = error.detail
    return Response(error.status, content, PROBLEM_JSON, error.headers)
