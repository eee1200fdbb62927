"""Answers: predictions, health, and RFC 9457 problem documents. How each door wraps them is in `request.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from handler.errors import RequestError
from handler.predictor import Prediction

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
PROBLEM_URN = "urn:limbeck:problem:"
# RFC 9110's names: Python's own changed between its versions.
_TITLES = MappingProxyType(
    {
        400: "Bad Request",
        404: "Not Found",
        405: "Method Not Allowed",
        413: "Content Too Large",
        415: "Unsupported Media Type",
        422: "Unprocessable Content",
        500: "Internal Server Error",
    }
)


@dataclass(frozen=True)
class Response:
    """One answer, before it takes the shape of the door it leaves by."""

    status: int
    content: dict[str, Any]
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()  # what the content says, for telemetry

    def text(self) -> str:
        """The content as compact JSON."""
        return json.dumps(self.content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def predicted(predictions: Sequence[Prediction], name: str, version: str) -> Response:
    """200 with one prediction an input, in their order, and the model that gave them."""
    answers = [
        {
            "label": prediction.label,
            "score": prediction.score,
            "scores": prediction.scores,
            "abstained": prediction.abstained,
            "novelty": prediction.novelty,
        }
        for prediction in predictions
    ]
    content = {"predictions": answers, "model": {"name": name, "version": version}}
    return Response(200, content, predictions=tuple(predictions))


def problem(error: RequestError, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """The problem document (RFC 9457) of a request that cannot be answered; `instance` is the request's id."""
    content: dict[str, Any] = {
        "type": PROBLEM_URN + error.kind,
        "title": _TITLES[error.status],
        "status": error.status,
        "detail": error.detail,
    }
    if error.pointer is not None:
        content["pointer"] = error.pointer
    content["instance"] = request_id
    return Response(error.status, content, PROBLEM_JSON, headers or {})
