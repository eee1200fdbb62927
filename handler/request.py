"""Events -> requests, and answers back out by the same door.

Each way a Lambda function is called has a small class, tried in order by `door`:

RestEvent     a REST API's proxy event (payload format 1.0): answers with status code, headers and body
DirectEvent   `{"inputs": ...}` from `aws lambda invoke` or another function: answers with the bare object, which is
              the problem document when the request is refused (the invocation itself succeeds)
UnknownEvent  anything else: refused with a bare problem document
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from handler import strict
from handler.errors import RequestError
from handler.response import JSON, Response

PREDICT = "/predict"
_CHARSETS = ("utf-8", "utf8", "us-ascii")


@dataclass(frozen=True)
class Request:
    """What was asked, whatever door it came by."""

    method: str
    path: str
    content_type: str | None = None
    body: bytes = b""
    document: object = None  # the JSON value, where the door has read it already


class Door(Protocol):
    """One shape of event."""

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

    def __init__(self, event: Mapping[str, Any]) -> None:
        """Keep the event."""
        self._event = event

    @staticmethod
    def fits(event: object) -> bool:
        """A method and a path. `path` leaves the stage's name out."""
        return isinstance(event, dict) and all(isinstance(event.get(key), str) for key in ("httpMethod", "path"))

    def request(self) -> Request:
        """Read the event; a body may be base64.

        Raises:
            RequestError: 400, the body cannot be decoded.
        """
        event = self._event
        return Request(event["httpMethod"], event["path"], self._content_type(), self._body())

    def answer(self, response: Response) -> dict[str, Any]:
        """Status code, headers and a text body."""
        headers = {"content-type": response.media_type, "cache-control": "no-store", **response.headers}
        return {
            "statusCode": response.status,
            "headers": headers,
            "body": response.text(),
            "isBase64Encoded": False,
        }

    def _content_type(self) -> str | None:
        headers = self._event.get("headers")
        if isinstance(headers, dict):
            for name, value in headers.items():
                if name.lower() == "content-type" and isinstance(value, str):
                    return value
        return None

    def _body(self) -> bytes:
        body = self._event.get("body")
        if not isinstance(body, str):
            return b""
        try:
            if self._event.get("isBase64Encoded") is True:
                return base64.b64decode(body, validate=True)
            return body.encode()
        except (binascii.Error, ValueError):
            raise RequestError(400, "malformed-body", "The body is neither UTF-8 text nor base64.") from None


class DirectEvent:
    """The body of `POST /predict` as the event itself."""

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


class UnknownEvent:
    """What no other door takes."""

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
        detail = 'The event is neither a REST API proxy event nor an object such as {"inputs": ...}.'
        raise RequestError(400, "unknown-event", detail)

    def answer(self, response: Response) -> dict[str, Any]:
        """The content alone."""
        return response.content


DOORS: tuple[type[Door], ...] = (RestEvent, DirectEvent, UnknownEvent)


def door(event: object) -> Door:
    """The first door that the event fits."""
    return next(kind(event) for kind in DOORS if kind.fits(event))


def inputs(request: Request, max_body_bytes: int) -> object:
    """The value under "inputs" of a prediction request, unchecked.

    Raises:
        RequestError: 413 too many bytes, 415 not JSON by its content type, 400 not JSON, 422 no inputs in it.
    """
    document = request.document
    if document is None:
        _check_content_type(request.content_type)
        if len(request.body) > max_body_bytes:
            detail = f"The body has {len(request.body)} bytes, the limit is {max_body_bytes}. Send several requests."
            raise RequestError(413, "too-large", detail)
        document = strict.loads(request.body)
    if not isinstance(document, dict) or document.keys() != {"inputs"}:
        detail = 'Wanted a JSON object with the one key "inputs": an input, or a list of them.'
        raise RequestError(422, "no-inputs" if _lacks_inputs(document) else "unknown-key", detail, "")
    return document["inputs"]


def _lacks_inputs(document: object) -> bool:
    return not isinstance(document, dict) or "inputs" not in document


def _check_content_type(value: str | None) -> None:
    if value is None or not value.strip():
        return
    media_type, *parameters = (part.strip().lower() for part in value.split(";"))
    charsets = [part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")]
    if media_type != JSON or any(charset not in _CHARSETS for charset in charsets):
        raise RequestError(415, "unsupported-media-type", f"The body's content type wants to be {JSON}, in UTF-8.")
