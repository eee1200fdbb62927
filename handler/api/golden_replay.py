"""The bundle's golden inputs, answered once more where they are served, and compared with what was sealed.

Requested by `{"replay": "golden"}` through Lambda's own Invoke, before a version gets any traffic. It tells how many
inputs were answered otherwise and on which lines of the golden file they stand: never an input, never an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from handler.bundle import golden
from handler.errors import RequestError
from handler.http.response import Response

_MOST_LINES = 20


def replay(folder: Path, answer: Callable[[object], Response]) -> Response:
    """Send every golden input through `answer`, which takes what `POST /predict` takes.

    A bundle without golden inputs has nothing to replay, and says so: 0 are not a success.
    """
    try:
        every = golden.lines(folder)
    except (OSError, UnicodeDecodeError):
        every = []
    wrong = [place for place, one in enumerate(every, 1) if one is None or not _answered_as_sealed(one, answer)]
    return Response(200, {"replayed": len(every), "wrong": len(wrong), "lines": wrong[:_MOST_LINES]})


def _answered_as_sealed(one: golden.Golden, answer: Callable[[object], Response]) -> bool:
    try:
        (found,) = answer({"inputs": [one.input]}).content["predictions"]
    except RequestError:
        return False
    return not golden.difference(found, one.answer)
