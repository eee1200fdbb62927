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


def alb_event(body: str, *, lists: bool = False, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """A load balancer's event; `lists`: of a target group with multi-value headers."""
    group = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/limbeck/6d0ecf831eec9f09"
    content_type = "application/json"
    headers = (
        {"multiValueHeaders": {"content-type": [content_type]}}
        if lists
        else {"headers": {"content-type": content_type}}
    )
    query = {"multiValueQueryStringParameters": {}} if lists else {"queryStringParameters": {}}
    event: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": "POST",
        "path": "/predict",
        **headers,
        **query,
        "body": body,
        "isBase64Encoded": False,
    }
    return event | changes


def content_of(answer: dict[str, Any]) -> Any:  # noqa: ANN401
    """The JSON of an answer with a text body."""
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])
