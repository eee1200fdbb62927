"""The bundle's golden inputs, answered once more where they are served, and compared with what was sealed.

Asked for by `{"replay": "golden"}` through Lambda's own Invoke, before a version gets any traffic. It tells how many
inputs were answered otherwise and on which lines of golden.jsonl they stand: never an input, never an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handler.errors import RequestError
from handler.http.response import Response

FILE = "golden.jsonl"
TOLERANCE = 1e-4  # of a probability: another processor adds in another order
_MOST_LINES = 20


def replay(folder: Path, answer: Callable[[object], Response]) -> Response:
    """Send every golden input through `answer`, which takes what `POST /predict` takes.

    A bundle without golden inputs has nothing to replay, and says so: 0 are not a success.
    """
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    wrong = [number for number, line in enumerate(lines, 1) if not _answered_as_sealed(line, answer)]
    return Response(200, {"replayed": len(lines), "wrong": len(wrong), "lines": wrong[:_MOST_LINES]})


def _answered_as_sealed(line: str, answer: Callable[[object], Response]) -> bool:
    try:
        golden = json.loads(line)
        (found,) = answer({"inputs": [golden["input"]]}).content["predictions"]
        return _alike(found, golden["prediction"])
    except (RequestError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _alike(found: dict[str, Any], sealed: dict[str, Any]) -> bool:
    scores: dict[str, float] = sealed["scores"]
    return (
        found["label"] == sealed["label"]
        and found["scores"].keys() == scores.keys()
        and all(abs(found["scores"][label] - score) <= TOLERANCE for label, score in scores.items())
    )
