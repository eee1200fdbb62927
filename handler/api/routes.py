"""What stands at which path. A model has one name and one version, so every path is known at the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from handler.api import open_inference, predict
from handler.bundle import contract
from handler.http import body, strict_json
from handler.http.events import PREDICT, READY, Request
from handler.http.response import JSON, Response
from handler.modalities import register
from handler.model.predictor import Predictor

LIVE = "/v2/health/live"
SERVER = "/v2"
MODEL = "/model"
OPENAPI = "/openapi.json"
VERSION = "0.1.0"  # of Limbeck


@dataclass(frozen=True)
class Route:
    """What stands at a path."""

    method: str
    name: str  # for the log: a template of the path, of which there are few
    answer: Callable[[Request], Response]

    @property
    def allow(self) -> str:
        """The methods that the path takes (RFC 9110, 10.2.1)."""
        return "GET, HEAD, OPTIONS" if self.method == "GET" else f"{self.method}, OPTIONS"


def of_model(predictor: Predictor, openapi: bytes) -> dict[str, Route]:
    """Everything that a loaded model answers, by path. `openapi`: its bundle's own document."""
    made = {
        PREDICT: Route("POST", PREDICT, lambda request: _predict(request, predictor)),
        MODEL: _fixed(MODEL, _described(predictor)),
        OPENAPI: Route("GET", OPENAPI, lambda _: Response(200, {}, packed=openapi)),
        SERVER: _fixed(SERVER, {"name": "limbeck", "version": VERSION, "extensions": list(open_inference.EXTENSIONS)}),
        LIVE: live(),
        READY: _fixed(READY, {"ready": True}),
    }
    model = f"/v2/models/{predictor.name}"
    for path, name in (
        (model, "/v2/models/{name}"),
        (f"{model}/versions/{predictor.version}", "/v2/models/{name}/versions/{version}"),
    ):
        made[path] = _fixed(name, open_inference.metadata(predictor))
        made[f"{path}/ready"] = _fixed(f"{name}/ready", {"name": predictor.name, "ready": True})
        made[f"{path}/infer"] = Route("POST", f"{name}/infer", lambda request: _infer(request, predictor))
    return made


def golden(predictor: Predictor, folder: Path) -> Route:
    """Whether the golden inputs of the bundle in `folder` are answered as they were sealed. It has no path."""

    def answer(_: Request) -> Response:
        from handler.api.golden_replay import replay  # for a release alone, so no start pays for it

        done = replay(folder, lambda document: _predict(Request("POST", PREDICT, document=document), predictor))
        return replace(done, content=done.content | {"model": {"name": predictor.name, "version": predictor.version}})

    return Route("POST", "golden", answer)


def live() -> Route:
    """The process lives, whether it has a model or not."""
    return _fixed(LIVE, {"live": True})


def _fixed(name: str, content: dict[str, Any]) -> Route:
    return Route("GET", name, lambda _: Response(200, content))


def _described(predictor: Predictor) -> dict[str, Any]:
    """What `GET /model` tells: all that decides an answer, and how good the answers were found to be."""
    serving = predictor.serving
    return {
        "name": predictor.name,
        "version": predictor.version,
        "task": serving.task,
        "inputs": [{"name": column.name, "kind": column.kind, "datatype": column.dtype} for column in serving.inputs],
        "labels": list(serving.labels),
        "thresholds": asdict(serving.thresholds),
        "limits": contract.plain(serving.limits),
        "evidence": [asdict(metric) for metric in serving.evidence],
        "drift_baseline": asdict(serving.drift_baseline),
        **({} if serving.costs is None else {"costs": asdict(serving.costs)}),
    }


def _predict(request: Request, predictor: Predictor) -> Response:
    serving, document, files = predictor.serving, request.document, predictor.modality.media_types
    if document is None:
        sent = body.read(request, serving.limits.max_body_bytes, (JSON, *files))
        if body.is_a(request, files):
            record = predictor.modality.check(sent, serving, "")
            return predict.answer(predict.of_file(request.query), [record], predictor)
        document = strict_json.loads(sent, serving.limits.max_depth)
    wanted = predict.read(document)
    return predict.answer(wanted, register.check(wanted.inputs, serving), predictor)


def _infer(request: Request, predictor: Predictor) -> Response:
    serving = predictor.serving
    read = body.read(request, serving.limits.max_body_bytes, (JSON, body.OCTETS))
    return open_inference.answer(
        open_inference.read(read, request.headers.get(open_inference.HEADER_LENGTH), serving), predictor
    )
