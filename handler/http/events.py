"""Events -> requests, and answers back out by the same door.

Each way a Lambda function is called has a small class, tried in order by `door`:

RestEvent     a REST API's proxy event (payload format 1.0)
HttpEvent     an HTTP API's or a Function URL's event (payload format 2.0)
DirectEvent   `{"inputs": ...}` from `aws lambda invoke` or another function: answers with the bare object, which is
              the problem document when the request is refused (the invocation itself succeeds)
ReplayEvent   `{"replay": "golden"}`, likewise: whether the golden inputs are still answered as they were sealed
UnknownEvent  anything else: refused with a bare problem document
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from handler.errors import RequestError
from handler.http.response import Response

PREDICT = "/predict"


@dataclass(frozen=True)
class Request:
    """What was asked, whatever door it came by. Nothing of the body is decoded yet: see `handler.http.body`."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    raw: str = ""  # the body as the event carries it
    is_base64: bool = False
    document: object = None  # the JSON value, where the event itself is the body
    door_says_cors: bool = False  # whether the door puts CORS headers on answers by itself
    is_replay: bool = False  # whether the golden inputs are asked for: by no path, so that no HTTP request can be one

    @property
    def size(self) -> int:
        """Bytes of the body as it was sent, nearly: characters, where it is text."""
        return len(self.raw) // 4 * 3 - self.raw.count("=", -2) if self.is_base64 else len(self.raw)


class Door(Protocol):
    """One shape of event."""

    name: ClassVar[str]

    def __init__(self, event: Any) -> None:  # noqa: ANN401 - whatever Lambda was invoked with
        """Keep the event."""

    @staticmethod
    def fits(event: object) -> bool:
        """Whether the event has this shape."""

    def request(self) -> Request:
        """Read the event. Raises RequestError."""

    def answer(self, response: Response) -> dict[str, Any]:
        """Give the answer the shape that the caller behind this door understands."""


class RestEvent:
    """A REST API's Lambda proxy event.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """

    name: ClassVar[str] = "rest"

    def __init__(self, event: Mapping[str, Any]) -> None:
        """Keep the event."""
        self._event = event

    @staticmethod
    def fits(event: object) -> bool:
        """A method and a path."""
        return isinstance(event, dict) and all(isinstance(event.get(key), str) for key in ("httpMethod", "path"))

    def request(self) -> Request:
        """Read the event."""
        event = self._event
        headers = _headers(event.get("headers"), event.get("multiValueHeaders"))
        return Request(event["httpMethod"], self._path(), headers, _text(event.get("body")), _is_base64(event))

    def answer(self, response: Response) -> dict[str, Any]:
        """Status code, headers and body."""
        return _proxied(response)

    def _path(self) -> str:
        """`path` leaves the stage's name out, but keeps the base path of a custom domain, which `proxy` leaves out."""
        event, path = self._event, str(self._event["path"])
        parameters = event.get("pathParameters")
        if event.get("resource") == "/{proxy+}" and isinstance(parameters, dict):
            proxied = f"/{parameters.get('proxy')}"
            if path.endswith(proxied):
                return proxied
        return path


class HttpEvent:
    """An event of payload format 2.0: an HTTP API's, or a Function URL's.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
    """

    name: ClassVar[str] = "http"

    def __init__(self, event: Mapping[str, Any]) -> None:
        """Keep the event."""
        self._event = event

    @staticmethod
    def fits(event: object) -> bool:
        """A raw path, and a method in its context."""
        if not isinstance(event, dict) or not isinstance(event.get("rawPath"), str):
            return False
        return isinstance(_http(event).get("method"), str)

    def request(self) -> Request:
        """Read the event."""
        event = self._event
        headers, body = _headers(event.get("headers"), None), _text(event.get("body"))
        says_cors = ".lambda-url." in str(event["requestContext"].get("domainName"))
        method = _http(event)["method"]
        return Request(method, self._path(), headers, body, _is_base64(event), door_says_cors=says_cors)

    def answer(self, response: Response) -> dict[str, Any]:
        """Status code, headers and body."""
        return _proxied(response)

    def _path(self) -> str:
        """The path without the name of a stage that has one."""
        path, stage = str(self._event["rawPath"]), self._event["requestContext"].get("stage")
        if isinstance(stage, str) and stage and path.startswith(f"/{stage}/"):
            return path[len(stage) + 1 :]
        return path


class DirectEvent:
    """The body of `POST /predict` as the event itself."""

    name: ClassVar[str] = "direct"

    def __init__(self, event: Mapping[str, Any]) -> None:
        """Keep the event."""
        self._event = event

    @staticmethod
    def fits(event: object) -> bool:
        """An object with inputs."""
        return isinstance(event, dict) and "inputs" in event

    def request(self) -> Request:
        """The same as a `POST /predict`."""
        return Request("POST", PREDICT, document=self._event)

    def answer(self, response: Response) -> dict[str, Any]:
        """The content alone."""
        return response.content


class ReplayEvent:
    """What a release asks of a version that has no traffic yet. HTTP events cannot have this shape."""

    name: ClassVar[str] = "replay"

    def __init__(self, event: Mapping[str, Any]) -> None:
        """Nothing else is in it."""

    @staticmethod
    def fits(event: object) -> bool:
        """Exactly this object."""
        return event == {"replay": "golden"}

    def request(self) -> Request:
        """No path and no body."""
        return Request("POST", "", is_replay=True)

    def answer(self, response: Response) -> dict[str, Any]:
        """The content alone."""
        return response.content


class UnknownEvent:
    """What no other door takes."""

    name: ClassVar[str] = "unknown"

    def __init__(self, event: object) -> None:
        """Nothing is kept."""

    @staticmethod
    def fits(event: object) -> bool:
        """Always: it stands last."""
        return True

    def request(self) -> Request:
        """Refuse.

        Raises:
            RequestError: 400, always.
        """
        kinds = "a REST API's, an HTTP API's or a Function URL's event"
        detail = f'The event is neither {kinds}, nor an object such as {{"inputs": ...}}.'
        raise RequestError(400, "unknown-event", detail)

    def answer(self, response: Response) -> dict[str, Any]:
        """The content alone."""
        return response.content


DOORS: tuple[type[Door], ...] = (RestEvent, HttpEvent, DirectEvent, ReplayEvent, UnknownEvent)


def door(event: object) -> Door:
    """The first door that the event fits."""
    return next(kind(event) for kind in DOORS if kind.fits(event))


def _http(event: Mapping[str, Any]) -> Mapping[str, Any]:
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    return http if isinstance(http, dict) else {}


def _headers(single: object, multiple: object) -> dict[str, str]:
    """Header fields by lower-case name. The list form stands in where the plain one is missing."""
    if not isinstance(single, dict) and isinstance(multiple, dict):
        single = {name: ",".join(map(str, values)) for name, values in multiple.items() if isinstance(values, list)}
    if not isinstance(single, dict):
        return {}
    return {name.lower(): value for name, value in single.items() if isinstance(value, str)}


def _text(body: object) -> str:
    return body if isinstance(body, str) else ""


def _is_base64(event: Mapping[str, Any]) -> bool:
    return event.get("isBase64Encoded") is True


def _proxied(response: Response) -> dict[str, Any]:
    body = response.body
    content_type = {"content-type": response.media_type} if response.media_type else {}
    return {
        "statusCode": response.status,
        "headers": {**content_type, **response.headers},
        "body": base64.b64encode(body).decode() if response.is_binary else body.decode(),
        "isBase64Encoded": response.is_binary,
    }
