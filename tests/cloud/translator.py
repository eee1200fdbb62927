"""SAM's translator, which CloudFormation runs on every change of a stack, in a process of its own that stays warm.

It takes a second to start, so all accounts of a run share one. It ends when the tests' own process does.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping
from typing import Any

from infra.image.staging import ROOT

_PYTHON = ROOT / ".venv-sam" / "bin" / "python"
_LOOP = """
import json, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from translate import translate
for line in sys.stdin:
    text, parameters = json.loads(line)
    try:
        answer = translate(text, parameters)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(answer) + "\\n")
    answers.flush()
"""


class Translator:
    """Give it a template and its parameters."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}

    @staticmethod
    def there() -> bool:
        """Whether the SAM CLI's environment is."""
        return _PYTHON.exists()

    def __call__(self, text: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Plain CloudFormation, conditions and references still in it."""
        line = json.dumps([text, dict(parameters)], sort_keys=True)
        with self._lock:
            if line not in self._known:
                self._known[line] = self._ask(line)
            return self._known[line]

    def _ask(self, line: str) -> dict[str, Any]:
        if self._process is None:
            self._process = subprocess.Popen(
                [str(_PYTHON), "-c", _LOOP],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT / "infra" / "template"),
                    "AWS_DEFAULT_REGION": "eu-central-1",
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return dict(answer)


TRANSLATOR = Translator()
