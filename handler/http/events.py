"""Events -> requests, and responses in the shape of the same event source.

Event sources, tried in this order:

alb      a load balancer's event, its headers single or in lists, as the target group is set:
         https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
rest     a REST API's proxy event, or an HTTP API's of payload format 1.0:
         https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
http     an HTTP API's or a Function URL's event (payload format 2.0):
         https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html and
         https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
direct   `{"inputs": ...}`, the body of `POST /predict`, from `aws lambda invoke` or another function: answers with the
         bare object, which is the problem document when the request is refused (the invocation itself succeeds)
replay   `{"replay": "golden"}`, likewise, which a release asks of a version that has no traffic yet: whether the golden
         inputs are still answered as they were sealed. HTTP events cannot have this shape
unknown  anything else: refused with a bare problem document
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from handler.errors import RequestError
from handler.http.response import TITLES, Response

PREDICT = "/predict"
READY = "/v2/health/ready"
_HEALTH_CHECKER = "ELB-HealthChecker/"  # a load balancer's user agent; it asks for "/" where no path is set


@dataclass(frozen=True)
class Request:
    """A request, whatever its event source. Nothing of the body is decoded yet: see `handler.http.body`."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    raw: str = ""  # the body as the event carries it
    is_base64: bool = False
    document: object = None  # the JSON value, where the event itself is the body
    source_sends_cors: bool = False  # whether the event source puts CORS headers on responses by itself
    is_replay: bool = False  # whether the golden inputs are asked for: by no path, so that no HTTP request can be one
    query: Mapping[str, str] = field(default_factory=dict)  # as the event source has it: a load balancer undoes no %2E

    @property
    def size(self) -> int:
        """Bytes of the body as it was sent, nearly: characters, where it is text."""
        return len(self.raw) // 4 * 3 - self.raw.count("=", -2) if self.is_base64 else len(self.raw)


@dataclass(frozen=True)
class EventSource:
    """One way that the function is called: a shape of event, and of the response to it."""

    name: str
    fits: Callable[[Any], bool]  # whether an event has this shape
    request: Callable[[Any], Request]  # reads such an event. Raises RequestError.
    answer: Callable[[Response, Any], dict[str, Any]]  # gives an answer to such an event the shape that it asks for


def source_of(event: object) -> EventSource:
    """The first event source whose shape the event has."""
    return next(kind for kind in EVENT_SOURCES if kind.fits(event))


def _is_alb(event: Any) -> bool:  # noqa: ANN401 - whatever Lambda was invoked with
    context = event.get("requestContext") if _is_rest(event) else None
    return isinstance(context, dict) and "elb" in context


def _alb(event: Mapping[str, Any]) -> Request:
    request = _rest(event)
    is_check = request.headers.get("user-agent", "").startswith(_HEALTH_CHECKER)
    return replace(request, path=READY) if is_check and request.path == "/" else request


def _is_rest(event: Any) -> bool:  # noqa: ANN401 - whatever Lambda was invoked with
    return isinstance(event, dict) and all(isinstance(event.get(key), str) for key in ("httpMethod", "path"))


def _rest(event: Mapping[str, Any]) -> Request:
    headers = _headers(event.get("headers"), event.get("multiValueHeaders"))
    path, parameters = event["path"], event.get("pathParameters")
    # `path` leaves the stage's name out, but keeps the base path of a custom domain, which `proxy` leaves out.
    if event.get("resource") == "/{proxy+}" and isinstance(parameters, dict):
        proxied = f"/{parameters.get('proxy')}"
        path = proxied if path.endswith(proxied) else path
    elif event.get("version") == "1.0":  # an HTTP API's path has its stage's name in it, in this format too
        path = _without_stage(path, event.get("requestContext"))
    body, query = _text(event.get("body")), _query(event)
    return Request(event["httpMethod"], path, headers, body, _is_base64(event), query=query)


def _is_http(event: Any) -> bool:  # noqa: ANN401 - whatever Lambda was invoked with
    return isinstance(event, dict) and isinstance(event.get("rawPath"), str) and _method(event) is not None


def _http(event: Mapping[str, Any]) -> Request:
    context = event["requestContext"]
    path = _without_stage(event["rawPath"], context)
    headers, body = _headers(event.get("headers"), None), _text(event.get("body"))
    says_cors = ".lambda-url." in str(context.get("domainName"))
    return Request(
        str(_method(event)), path, headers, body, _is_base64(event), source_sends_cors=says_cors, query=_query(event)
    )


def _without_stage(path: str, context: object) -> str:
    stage = context.get("stage") if isinstance(context, dict) else None
    named = isinstance(stage, str) and stage != "" and path.startswith(f"/{stage}/")
    return path.removeprefix(f"/{stage}") if named else path


def _unknown(event: object) -> Request:
    kinds = "a load balancer's, a REST API's, an HTTP API's or a Function URL's event"
    raise RequestError(400, "unknown-event", f'The event is neither {kinds}, nor an object such as {{"inputs": ...}}.')


def _method(event: Mapping[str, Any]) -> str | None:
    """The method of an event of payload format 2.0; None where it has none."""
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    method = http.get("method") if isinstance(http, dict) else None
    return method if isinstance(method, str) else None


def _headers(single: object, multiple: object) -> dict[str, str]:
    """Header fields by lower-case name. The list form stands in where the plain one is missing."""
    if not single and isinstance(multiple, dict):
        single = {name: ",".join(map(str, values)) for name, values in multiple.items() if isinstance(values, list)}
    if not isinstance(single, dict):
        return {}
    return {name.lower(): value for name, value in single.items() if isinstance(value, str)}


def _query(event: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters by name, the last of each. The list form stands in where the plain one is missing."""
    single, multiple = event.get("queryStringParameters"), event.get("multiValueQueryStringParameters")
    if not single and isinstance(multiple, dict):
        single = {name: values[-1] for name, values in multiple.items() if isinstance(values, list) and values}
    if not isinstance(single, dict):
        return {}
    return {name: value for name, value in single.items() if isinstance(value, str)}


def _text(body: object) -> str:
    return body if isinstance(body, str) else ""


def _is_base64(event: Mapping[str, Any]) -> bool:
    return event.get("isBase64Encoded") is True


def _has_lists_alone(event: Mapping[str, Any]) -> bool:
    return not event.get("headers") and isinstance(event.get("multiValueHeaders"), dict)


def _balanced(response: Response, event: Mapping[str, Any]) -> dict[str, Any]:
    """A load balancer takes the kind of headers that it sends, and answers 502 to the other."""
    title = TITLES[response.status]
    return {**_as_it_came(response, event), "statusDescription": f"{response.status} {title}"}


def _as_it_came(response: Response, event: Mapping[str, Any]) -> dict[str, Any]:
    """Header fields in lists where those of the request are in lists alone."""
    answer = _proxied(response)
    if _has_lists_alone(event):
        answer["multiValueHeaders"] = {name: [value] for name, value in answer.pop("headers").items()}
    return answer


def _proxied(response: Response, _: object = None) -> dict[str, Any]:
    body = response.body
    content_type = {"content-type": response.media_type} if response.media_type else {}
    return {
        "statusCode": response.status,
        "headers": {**content_type, **response.headers},
        "body": base64.b64encode(body).decode() if response.is_binary else body.decode(),
        "isBase64Encoded": response.is_binary,
    }


def _bare(response: Response, _: object) -> dict[str, Any]:
    return response.content


EVENT_SOURCES = (
    EventSource("alb", _is_alb, _alb, _balanced),
    EventSource("rest", _is_rest, _rest, _as_it_came),
    EventSource("http", _is_http, _http, _proxied),
    EventSource(
        "direct",
        lambda event: isinstance(event, dict) and "inputs" in event,
        lambda event: Request("POST", PREDICT, document=event),
        _bare,
    ),
    EventSource(
        "replay",
        lambda event: bool(event == {"replay": "golden"}),
        lambda event: Request("POST", "", is_replay=True),
        _bare,
    ),
    EventSource("unknown", lambda _: True, _unknown, _bare),
)
