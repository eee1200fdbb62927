"""`POST /predict`: the request, and the response to it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handler.bundle.abstention import Thresholds
from handler.bundle.contract import Serving
from handler.errors import RequestError
from handler.http.response import Response
from handler.modalities.cells import is_whole, nearest, wrong_type
from handler.modalities.modality import Record
from handler.model import explain
from handler.model.predictor import Prediction, Predictor

# Lambda answers with at most 6 MB, in which a REST body's quotes are escaped once more.
MAX_ANSWER_BYTES = 5_500_000
_BYTES_A_PREDICTION = 200
_BYTES_A_SCORE = 32  # a float's digits, quotes and their escapes
_BYTES_A_DECISION = 400  # its words and numbers
_LABELS_IN_WORDS = 4  # of those that tell why
_KEYS = ("inputs", "abstain_below", "top_k", "explain")
_LISTED = ", ".join(f'"{key}"' for key in _KEYS)


@dataclass(frozen=True)
class PredictRequest:
    """A prediction request, its inputs not yet checked."""

    inputs: object
    abstain_below: float | None  # instead of the manifest's threshold
    top_k: int | None  # how many of the labels to give scores of
    explain: bool


def read(document: object) -> PredictRequest:
    """Read the body of a prediction request.

    Raises:
        RequestError: 422, not an object with inputs, an unknown key, or an option that is out of its range.
    """
    if not isinstance(document, dict) or "inputs" not in document:
        raise RequestError(
            422, "no-inputs", 'Wanted a JSON object with the key "inputs": an input, or a list of them.', ""
        )
    for key in document:
        if key not in _KEYS:
            detail = f"The request holds an unknown key. {nearest(key, _KEYS) or f'It takes {_LISTED}.'}"
            raise RequestError(422, "unknown-key", detail, "")
    return PredictRequest(
        document["inputs"],
        _number(document["abstain_below"]) if "abstain_below" in document else None,
        _count(document["top_k"]) if "top_k" in document else None,
        _flag(document["explain"]) if "explain" in document else False,
    )


def of_file(query: Mapping[str, str]) -> PredictRequest:
    """The request of a body that is one input by itself: its options are in the query, written as in JSON.

    Raises:
        RequestError: 422, an unknown option, or one that is out of its range.
    """
    options: dict[str, object] = {}
    for key, text in query.items():
        if key == "inputs":
            raise RequestError(422, "unknown-key", "The body is the input, and the query holds another.", "")
        try:
            options[key] = json.loads(text)
        except (ValueError, RecursionError):
            options[key] = text
    return read({**options, "inputs": None})


def answer(request: PredictRequest, records: Sequence[Record], predictor: Predictor) -> Response:
    """One prediction an input, in their order, and the model that gave them.

    Raises:
        RequestError: 413, the answer would be too large or its explanation too costly; 422, a number is so large that
            the model has no answer.
    """
    records = predictor.reduced(records) if request.explain else records
    occlusions = (
        explain.occlusions(records, predictor.modality, predictor.serving.limits.max_explained)
        if request.explain
        else []
    )
    check_size(len(records), predictor.serving, sum(occlusion.answer_bytes for occlusion in occlusions))
    # One batch through the graph: the inputs, and the copies of them with a part left out.
    answers = predictor.predict([*records, *(occlusion.record for occlusion in occlusions)])
    check_finite(answers)
    predictions = answers[: len(records)]
    if request.abstain_below is not None:
        predictions = [prediction.judged(Thresholds(request.abstain_below)) for prediction in predictions]
    contents = [_content(prediction, request.top_k) for prediction in predictions]
    if request.explain:
        for content, parts in zip(contents, explain.contributions(answers, occlusions, len(records)), strict=True):
            content["contributions"] = parts
    content = {"predictions": contents, "model": {"name": predictor.name, "version": predictor.version}}
    return Response(200, content, predictions=tuple(predictions))


def check_size(inputs: int, serving: Serving, more_bytes: int = 0) -> None:
    """Refuse what Lambda could not answer, before it is computed.

    Raises:
        RequestError: 413, the answer would be too large.
    """
    labels = [2 * len(json.dumps(label)) for label in serving.labels]
    scores = sum(labels) + _BYTES_A_SCORE * len(labels)
    each = _BYTES_A_PREDICTION + scores
    if serving.costs is not None:
        each += _BYTES_A_DECISION + scores + _LABELS_IN_WORDS * max(labels)
    total = inputs * each + more_bytes
    if total > MAX_ANSWER_BYTES:
        most = max(1, inputs * MAX_ANSWER_BYTES // total)
        detail = f"The answer to {inputs} inputs would be over Lambda's limit. Send at most {most} a request."
        raise RequestError(413, "too-many-inputs", detail, "/inputs")


def check_finite(answers: Sequence[Prediction]) -> None:
    """Refuse to send NaN, which JSON cannot hold.

    Raises:
        RequestError: 422, a number in the inputs was too much for the graph's 32-bit arithmetic.
    """
    if not all(math.isfinite(answer.score + answer.novelty) for answer in answers):
        raise RequestError(
            422, "out-of-range", "A number in the inputs is so large that the model has no answer.", "/inputs"
        )


def _content(prediction: Prediction, top_k: int | None) -> dict[str, Any]:
    content = prediction.as_json()
    if top_k is not None:
        content["scores"] = dict(sorted(prediction.scores.items(), key=lambda pair: -pair[1])[:top_k])
        if prediction.decision is not None:
            cheapest = sorted(prediction.decision.expected_costs.items(), key=lambda pair: pair[1])[:top_k]
            content["decision"]["expected_costs"] = dict(cheapest)
    return content


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong_type('"abstain_below"', "a number from 0 to 1", value, "/abstain_below")
    if not 0 <= value <= 1:
        raise RequestError(422, "out-of-range", '"abstain_below" wants a number from 0 to 1.', "/abstain_below")
    return float(value)


def _count(value: object) -> int:
    if not isinstance(value, (int, float)) or not is_whole(value):
        raise wrong_type('"top_k"', "a whole number of 1 or more", value, "/top_k")
    if value < 1:
        raise RequestError(422, "out-of-range", '"top_k" wants a whole number of 1 or more.', "/top_k")
    return int(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise wrong_type('"explain"', "true or false", value, "/explain")
    return value
