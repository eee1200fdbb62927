"""What goes into a Lambda function and what comes out of it: the event of a REST API, and the answer to an Invoke."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Answer:
    """What the function returned, and what it wrote while it did."""

    payload: Any  # the handler's return value; an object with errorType where it failed
    log: str

    @property
    def failed(self) -> bool:
        """Whether the function crashed, or did not start."""
        return isinstance(self.payload, dict) and "errorType" in self.payload


def rest_event(method: str, target: str, headers: Any, body: bytes) -> dict[str, Any]:  # noqa: ANN401 - pairs
    """The event (payload format 1.0) that a REST API with binary media type `*/*` makes of a request."""
    url = urlsplit(target)
    query = parse_qs(url.query, keep_blank_values=True)
    many: dict[str, list[str]] = {}
    for name, value in headers:
        many.setdefault(name, []).append(value)
    return {
        "resource": "/{proxy+}",
        "path": url.path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": url.path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "stage": "local",
            "httpMethod": method,
            "path": url.path,
            "resourcePath": "/{proxy+}",
            "protocol": "HTTP/1.1",
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }
