"""One request from event to response: event source, route, answer, telemetry."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handler.api.routes import LIVE, SERVER, Route, live
from handler.api.telemetry import Telemetry
from handler.errors import RequestError
from handler.http import body
from handler.http.events import Request, source_of
from handler.http.response import Response, problem

_NOTHING = Request("", "")
_HEADERS: Mapping[str, str] = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_PREFLIGHT = (  # what a page of the allowed origin may send (Fetch standard, CORS protocol)
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    (
        "access-control-allow-headers",
        "authorization, content-encoding, content-type, inference-header-content-length, x-api-key",
    ),
    ("access-control-max-age", "3600"),
)


class Service:
    """Answers events, by its routes."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        telemetry: Telemetry,
        cors_origin: str = "",
        *,
        golden: Route | None = None,
        refused: bool = False,
    ) -> None:
        """Serve `routes`, by path.

        `cors_origin`: whose pages may read the answers; nobody's where it is empty. `golden`: answers a replay, which
        has no path. `refused`: there is no model, because its bundle cannot be trusted, and what has no route is
        unavailable.
        """
        self._routes = routes
        self._telemetry = telemetry
        self._golden = golden
        self._refused = refused
        self._cors = {"access-control-allow-origin": cors_origin, "vary": "origin"} if cors_origin else {}
        self._preflight = dict(_PREFLIGHT) if cors_origin else {}

    def handle(self, event: object, context: object) -> dict[str, Any]:
        """Answer one event. Whatever is in it, this returns: a fault of ours is a 500 without its traceback."""
        started = time.perf_counter()
        request_id = str(getattr(context, "aws_request_id", "") or "local")
        source = source_of(event)
        request, route, fault = _NOTHING, "unknown", None
        try:
            request = source.request(event)
            found = self._find(request)
            route = f"{found.method} {found.name}"
            answer = self._answer(request, found)
        except RequestError as error:
            answer = _problem(error, request, request_id)
        except Exception as error:  # its text could quote an input: only its type is told
            fault = type(error).__name__
            answer = _problem(RequestError(500, "internal", "The request failed on our side."), request, request_id)
        answer = self._finished(answer, request)
        result = source.answer(answer, event)
        duration_ms = (time.perf_counter() - started) * 1000
        self._telemetry.record(
            request_id,
            answer,
            event_source=source.name,
            route=route,
            body_bytes=request.size,
            duration_ms=duration_ms,
            fault=fault,
        )
        return result

    def _find(self, request: Request) -> Route:
        found = self._golden if request.is_replay else self._routes.get(request.path)
        if found is not None:
            return found
        if self._refused:
            detail = "The model's bundle was refused when the function started. The function's log says why."
            raise RequestError(503, "not-ready", detail)
        known = ", ".join(f"{route.method} {path}" for path, route in self._routes.items())
        raise RequestError(404, "not-found", f"Nothing is at this path. There is {known}.")

    def _answer(self, request: Request, route: Route) -> Response:
        if request.method == route.method:
            return route.answer(request)
        if request.method == "OPTIONS":
            preflight = {} if request.source_sends_cors else self._preflight
            return Response(204, {}, "", headers={"allow": route.allow, **preflight}, packed=b"")
        if request.method == "HEAD" and route.method == "GET":
            return replace(route.answer(request), packed=b"")
        raise RequestError(405, "method-not-allowed", f"This path takes {route.allow}.", headers={"allow": route.allow})

    def _finished(self, answer: Response, request: Request) -> Response:
        answer = body.compressed(answer, request.headers.get("accept-encoding", ""))
        # A Function URL adds the headers itself, and browsers refuse two of a kind.
        cors = {} if request.source_sends_cors else self._cors
        headers = {**_HEADERS, **cors, **answer.headers}
        if "vary" in answer.headers and "vary" in cors:
            headers["vary"] = f"{cors['vary']}, {answer.headers['vary']}"
        return replace(answer, packed=answer.body, headers=headers)  # a body is written once


def without_model(telemetry: Telemetry, cors_origin: str = "") -> Service:
    """A service whose bundle was refused: it lives, and everything else is a 503."""
    return Service({LIVE: live()}, telemetry, cors_origin, refused=True)


def _problem(error: RequestError, request: Request, request_id: str) -> Response:
    return problem(error, request_id, says_error=request.path.startswith(SERVER))
