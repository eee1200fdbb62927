"""An HTTP request as each of Lambda's event_sources hands it over, and the answer as its caller reads it.

The events' shapes are those of Amazon's documentation for a REST API (payload format 1.0), an HTTP API and a Function
URL (2.0); the direct one is the body of `POST /predict` itself.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

ACCOUNT = "123456789012"
TARGET_GROUP = f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:targetgroup/limbeck/6d0ecf831eec9f09"
STAGE = "prod"
PREDICT = "/predict"


@dataclass(frozen=True)
class Ask:
    """An HTTP request."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    query: str = ""
    wanted: tuple[int, ...] = ()  # the statuses that are right for it, where that is known
    only_http: bool = False  # whether it would mean another thing as an event of its own

    def header(self, name: str) -> str | None:
        """The last value of a header field."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name), None)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, decompressed."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


def rest(ask: Ask, as_base64: bool) -> dict[str, Any]:
    """A REST API's proxy event."""
    return {
        "resource": "/{proxy+}",
        "path": ask.path,
        "httpMethod": ask.method,
        "headers": dict(ask.headers) or None,
        "multiValueHeaders": _multiple(ask) or None,
        "queryStringParameters": {"q": ask.query} if ask.query else None,
        "multiValueQueryStringParameters": {"q": [ask.query]} if ask.query else None,
        "pathParameters": {"proxy": ask.path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "abcdefghij",
            "httpMethod": ask.method,
            "path": f"/{STAGE}{ask.path}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": "/{proxy+}",
            "stage": STAGE,
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "fuzz"},
        },
        **_body(ask, as_base64),
    }


def balanced(ask: Ask, as_base64: bool) -> dict[str, Any]:
    """A load balancer's event."""
    return {
        "requestContext": {"elb": {"targetGroupArn": TARGET_GROUP}},
        "httpMethod": ask.method,
        "path": ask.path,
        "queryStringParameters": {"q": ask.query} if ask.query else {},
        "headers": {name.lower(): value for name, value in ask.headers},
        **_body(ask, as_base64),
        **({} if ask.body else {"body": ""}),
    }


def balanced_lists(ask: Ask, as_base64: bool) -> dict[str, Any]:
    """A load balancer's event, of a target group with multi-value headers."""
    event = balanced(ask, as_base64)
    del event["headers"]
    query = {name: [value] for name, value in event.pop("queryStringParameters").items()}
    lists: dict[str, list[str]] = {}
    for name, value in ask.headers:
        lists.setdefault(name.lower(), []).append(value)
    return event | {"multiValueHeaders": lists, "multiValueQueryStringParameters": query}


def http(ask: Ask, as_base64: bool, *, stage: str = "$default", domain: str = "execute-api") -> dict[str, Any]:
    """An HTTP API's event."""
    path = ask.path if stage == "$default" else f"/{stage}{ask.path}"
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": ask.query,
        "headers": {name.lower(): values for name, values in _joined(ask).items()},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "abcdefghij",
            "domainName": f"abcdefghij.{domain}.eu-central-1.amazonaws.com",
            "http": {"method": ask.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": stage,
            "timeEpoch": 1583348638390,
        },
        **_body(ask, as_base64),
    }
    return event if ask.body else {key: value for key, value in event.items() if key != "body"}


def staged(ask: Ask, as_base64: bool) -> dict[str, Any]:
    """An HTTP API's event, behind a stage with a name."""
    return http(ask, as_base64, stage=STAGE)


def url(ask: Ask, as_base64: bool) -> dict[str, Any]:
    """A Function URL's event."""
    return http(ask, as_base64, domain="lambda-url")


EVENT_SOURCES: Mapping[str, Callable[[Ask, bool], dict[str, Any]]] = MappingProxyType(
    {"rest": rest, "alb": balanced, "alb_lists": balanced_lists, "http": http, "staged": staged, "url": url}
)


def direct(ask: Ask) -> dict[str, Any] | None:
    """The body as an event, where it is one that a caller would send: an object with inputs to predict."""
    kinds = (ask.header("content-type"), ask.header("content-encoding"))
    if ask.only_http or (ask.method, ask.path) != ("POST", PREDICT) or kinds != ("application/json", None):
        return None
    try:
        event = json.loads(ask.body)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "inputs" in event else None


def answer(result: Mapping[str, Any]) -> Answer:
    """What the caller gets of a proxied result.

    Raises:
        AssertionError: the result is nothing that API Gateway or a load balancer would take.
    """
    ours = {"statusCode", "body", "isBase64Encoded"}
    assert result.keys() - {"statusDescription", "headers", "multiValueHeaders"} == ours, "another shape of result"
    assert ("headers" in result) != ("multiValueHeaders" in result), "both kinds of headers, or none"
    lists = result.get("multiValueHeaders", {})
    assert all(type(values) is list and len(values) == 1 for values in lists.values())
    headers = result.get("headers", {name: values[0] for name, values in lists.items()})
    status, text = result["statusCode"], result["body"]
    assert type(status) is int and isinstance(text, str) and type(result["isBase64Encoded"]) is bool
    assert all(isinstance(name, str) and isinstance(value, str) for name, value in headers.items())
    lowered = {name.lower(): value for name, value in headers.items()}
    assert len(lowered) == len(headers), "a header field twice"
    body = base64.b64decode(text, validate=True) if result["isBase64Encoded"] else text.encode()
    if lowered.pop("content-encoding", None) == "gzip":
        body = gzip.decompress(body)
    return Answer(status, lowered, body)


def bare_answer(result: Mapping[str, Any]) -> Answer:
    """What a direct caller gets, as if by HTTP: a problem document tells its own status."""
    problem = str(result.get("type", "")).startswith("urn:")
    media_type = "application/problem+json" if problem else "application/json"
    body = json.dumps(result, allow_nan=False).encode()
    return Answer(result["status"] if problem else 200, {"content-type": media_type}, body)


def _body(ask: Ask, as_base64: bool) -> dict[str, Any]:
    if not ask.body:
        return {"body": None, "isBase64Encoded": False}
    try:
        text = None if as_base64 else ask.body.decode()
    except UnicodeDecodeError:  # no gateway could hand these bytes over as text
        text = None
    if text is None:
        return {"body": base64.b64encode(ask.body).decode(), "isBase64Encoded": True}
    return {"body": text, "isBase64Encoded": False}


def _multiple(ask: Ask) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for name, value in ask.headers:
        made.setdefault(name, []).append(value)
    return made


def _joined(ask: Ask) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, value in ask.headers:
        key = name.lower()
        made[key] = f"{made[key]},{value}" if key in made else value
    return made
