"""The bundle's golden inputs, sent through a published version of the function before anybody else's are.

They go as callers' requests go, as the event of a REST API. The answers must be the ones that were sealed, and come
from the very bundle that is being released: `model` in each answer says which one answered.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handler.bundle.contract import Limits, Manifest
from handler.errors import BundleError
from infra.aws.lambda_events import rest_event

FILE = "golden.jsonl"
TOLERANCE = 1e-4  # of a probability; another processor's sums differ by some 1e-6

Invoke = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Golden:
    """One made-up input and the answer that was sealed with it."""

    line: int
    input: Any
    label: str
    scores: Mapping[str, float]


def read(folder: Path) -> tuple[Golden, ...]:
    """The golden inputs of a bundle that was checked.

    Raises:
        BundleError: there are none, or one has no answer: nothing could be told from a replay.
    """
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
        found = tuple(_golden(number, json.loads(line)) for number, line in enumerate(lines, 1) if line.strip())
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(
            f"{folder / FILE} has no golden inputs with answers ({type(error).__name__}). Seal the bundle again."
        ) from None
    if not found:
        raise BundleError(f"{folder / FILE} is empty: nothing to replay. Seal the bundle again.")
    return found


def replay(golden: Sequence[Golden], manifest: Manifest, invoke: Invoke) -> tuple[str, ...]:
    """Send every golden input by `invoke`; returns what was wrong, by line, never by value. Nothing: all is well."""
    return tuple(
        wrong for batch in _batches(golden, manifest.serving.limits) for wrong in _wrongs(batch, manifest, invoke)
    )


def _golden(number: int, row: Mapping[str, Any]) -> Golden:
    answer = row["prediction"]
    scores = {str(label): float(score) for label, score in answer["scores"].items()}
    return Golden(number, row["input"], str(answer["label"]), scores)


def _batches(golden: Sequence[Golden], limits: Limits) -> Iterator[list[Golden]]:
    """As many at once as one request may hold."""
    batch: list[Golden] = []
    size = 0
    for one in golden:
        more = len(json.dumps(one.input)) + 2
        if batch and (len(batch) == limits.max_inputs or size + more > limits.max_body_bytes - 100):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += more
    yield batch


def _wrongs(batch: Sequence[Golden], manifest: Manifest, invoke: Invoke) -> Iterator[str]:
    lines = f"{FILE} line {batch[0].line}" + (f" to {batch[-1].line}" if len(batch) > 1 else "")
    body = json.dumps({"inputs": [one.input for one in batch]}).encode()
    said = invoke(rest_event("POST", "/predict", [("content-type", "application/json")], body))
    status, answer = _opened(said)
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
            if wrong := _difference(one, prediction):
                yield f"{FILE} line {one.line}: {wrong}"
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


def _difference(golden: Golden, prediction: Mapping[str, Any]) -> str:
    if prediction["label"] != golden.label:
        return f"answered {prediction['label']!r}, wanted {golden.label!r}"
    scores = prediction["scores"]
    if scores.keys() != golden.scores.keys():
        return "answered other labels than were sealed"
    worst = max(abs(float(scores[label]) - score) for label, score in golden.scores.items())
    if math.isnan(worst) or worst > TOLERANCE:
        return f"a probability is off by {worst:.2g}, allowed is {TOLERANCE:g}"
    return ""
