"""The bundle's golden inputs, sent through a published version of the function before anybody else's are.

They go as callers' requests go, as the event of a REST API. The answers must be the ones that were sealed, and come
from the very bundle that is being released: `model` in each answer says which one answered.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from handler.bundle import golden
from handler.bundle.contract import GOLDEN, Limits, Manifest
from infra.aws.lambda_events import rest_event

Invoke = Callable[[Mapping[str, Any]], Any]


def replay(inputs: Sequence[golden.Golden], manifest: Manifest, invoke: Invoke) -> tuple[str, ...]:
    """Send every golden input by `invoke`; returns what was wrong, by line, never by value. Nothing: all is well."""
    return tuple(
        wrong for batch in _batches(inputs, manifest.serving.limits) for wrong in _wrongs(batch, manifest, invoke)
    )


def _batches(inputs: Sequence[golden.Golden], limits: Limits) -> Iterator[list[golden.Golden]]:
    """As many at once as one request may hold."""
    batch: list[golden.Golden] = []
    size = 0
    for one in inputs:
        more = len(json.dumps(one.input)) + 2
        if batch and (len(batch) == limits.max_inputs or size + more > limits.max_body_bytes - 100):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += more
    yield batch


def _wrongs(batch: Sequence[golden.Golden], manifest: Manifest, invoke: Invoke) -> Iterator[str]:
    lines = f"{GOLDEN} line {batch[0].line}" + (f" to {batch[-1].line}" if len(batch) > 1 else "")
    body = json.dumps({"inputs": [one.input for one in batch]}).encode()
    status, answer = _opened(invoke(rest_event("POST", "/predict", [("content-type", "application/json")], body)))
    if status != 200:
        kind = answer.get("type", answer.get("errorType", "no answer")) if isinstance(answer, dict) else "no answer"
        yield f"{lines}: status {status} ({kind}), wanted 200"
        return
    wanted = {"name": manifest.name, "version": manifest.version}
    try:
        model, predictions = answer["model"], answer["predictions"]
        if model != wanted:
            yield f"{lines}: answered by {model['name']}/{model['version']}, wanted {manifest.name}/{manifest.version}"
            return
        for one, prediction in zip(batch, predictions, strict=True):
            if wrong := golden.difference(prediction, one.answer):
                yield f"{GOLDEN} line {one.line}: {wrong}"
    except (KeyError, TypeError, ValueError):
        yield f"{lines}: an answer that is none of this API's"


def _opened(said: Any) -> tuple[int, Any]:  # noqa: ANN401 - whatever the function returned
    """Status and document of what the function returned; status 0 where that is no answer."""
    try:
        body = said["body"]
        text = base64.b64decode(body, validate=True) if said.get("isBase64Encoded") else body
        return int(said["statusCode"]), json.loads(text)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        return 0, said
