"""One request from event to answer: door, route, inputs, predictor, answer, telemetry."""

from __future__ import annotations

import math
import time
from typing import Any

from handler import inputs, request, response
from handler.errors import RequestError
from handler.predictor import Predictor
from handler.request import PREDICT, Request
from handler.response import Response
from handler.telemetry import Served, Telemetry

READY = "/v2/health/ready"
LIVE = "/v2/health/live"
METHODS = ((PREDICT, "POST"), (READY, "GET"), (LIVE, "GET"))
# Lambda answers with at most 6 MB, in which a REST body's quotes are escaped once more.
MAX_ANSWER_BYTES = 5_500_000
_BYTES_A_PREDICTION = 200
_BYTES_A_SCORE = 32  # a float's digits, quotes and their escapes


class Service:
    """Answers events with one predictor."""

    def __init__(self, predictor: Predictor, telemetry: Telemetry) -> None:
        """Wire the parts."""
        self._predictor = predictor
        self._telemetry = telemetry
        self._limits = predictor.serving.limits
        labels = predictor.serving.labels
        self._answer_bytes = _BYTES_A_PREDICTION + sum(len(label.encode()) + _BYTES_A_SCORE for label in labels)

    def handle(self, event: object, context: object) -> dict[str, Any]:
        """Answer one event. Whatever is in it, this returns: a fault of ours is a 500 without its traceback."""
        started = time.perf_counter()
        request_id = str(getattr(context, "aws_request_id", "") or "local")
        route, body_bytes, fault = "unknown", 0, None
        door = request.door(event)
        try:
            asked = door.request()
            body_bytes = len(asked.body)
            route, answer = self._answer(asked, request_id)
        except RequestError as error:
            answer = response.problem(error, request_id)
        except Exception as error:  # its text could quote an input: only its type is told
            fault = type(error).__name__
            answer = response.problem(RequestError(500, "internal", "The request failed on our side."), request_id)
        result = door.answer(answer)
        duration_ms = (time.perf_counter() - started) * 1000
        self._telemetry.record(Served(request_id, route, answer, body_bytes, duration_ms, fault))
        return result

    def _answer(self, asked: Request, request_id: str) -> tuple[str, Response]:
        """The known route's name and its answer."""
        allowed = dict(METHODS).get(asked.path)
        if allowed is None:
            known = ", ".join(f"{method} {path}" for path, method in METHODS)
            raise RequestError(404, "not-found", f"Nothing is at this path. There is {known}.")
        route = f"{allowed} {asked.path}"
        if asked.method != allowed:
            error = RequestError(405, "method-not-allowed", f"This path takes {allowed} only.")
            return route, response.problem(error, request_id, {"allow": allowed})
        if asked.path == PREDICT:
            try:
                return route, self._predict(asked)
            except RequestError as error:
                return route, response.problem(error, request_id)
        return route, Response(200, {"ready": True} if asked.path == READY else {"live": True})

    def _predict(self, asked: Request) -> Response:
        records = inputs.check(request.inputs(asked, self._limits.max_body_bytes), self._predictor.serving)
        if len(records) * self._answer_bytes > MAX_ANSWER_BYTES:
            most = max(1, MAX_ANSWER_BYTES // self._answer_bytes)
            detail = f"The answer to {len(records)} inputs would be over Lambda's limit. Send at most {most} a request."
            raise RequestError(413, "too-many-inputs", detail, "/inputs")
        predictions = self._predictor.predict(records)
        for i, prediction in enumerate(predictions):
            if not math.isfinite(prediction.score + prediction.novelty):
                detail = f"A number in input {i} is so large that the model has no answer."
                raise RequestError(422, "out-of-range", detail, "/inputs")
        return response.predicted(predictions, self._predictor.name, self._predictor.version)
