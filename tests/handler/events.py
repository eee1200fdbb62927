"""Events of every event source, with the parts that matter."""

from __future__ import annotations

import json
from typing import Any


def http_event(body: str | None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """An HTTP API's event (payload format 2.0), with its default stage."""
    method, path = changes.pop("method", "POST"), changes.pop("path", "/predict")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path, "protocol": "HTTP/1.1"}, "stage": "$default"},
        "body": body,
        "isBase64Encoded": False,
    }
    return event | changes


def content_of(answer: dict[str, Any]) -> Any:  # noqa: ANN401
    """The JSON of an answer with a text body."""
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])
