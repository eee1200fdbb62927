"""What must hold for every answer, whoever asked what: judged by the OpenAPI document that the function served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

from tests.fuzz.event_sources import Answer, Ask

CANARY = "zq7canary"  # put into what is sent wherever a string fits: it may come back nowhere
PROBLEM_JSON = "application/problem+json"
MAX_RESULT_BYTES = 6 * 1024 * 1024  # Lambda's own limit
_LEAST_SECRET = 8  # a shorter string may be in a log by chance
_SECRET_PART = 16  # of a long string, its first and its last so many characters
_HANDLER = Path(__file__).parents[2] / "handler"
_LINE_KEYS = {"level", "message", "timestamp", "service"}


class Rules:
    """The checks of one function's answers and log lines."""

    def __init__(self, document: dict[str, Any]) -> None:
        """Judge by this OpenAPI document."""
        self._document = document
        self._validators: dict[str, Any] = {}
        sources = "".join(path.read_text() for path in sorted(_HANDLER.rglob("*.py")))
        shapes = (Path(__file__).parent / "event_sources.py").read_text()
        # Words of ours: a request may hold them, and so may a log line.
        self._known = json.dumps(document, ensure_ascii=False) + sources + shapes

    def learn(self, output: str) -> None:
        """Take the words of a log line that is known to be in order for ours."""
        self._known += output

    def route(self, ask: Ask) -> str:
        """The path as the document has it, or what else it is."""
        if not ask.path:
            return "an odd event"
        return ask.path if ask.path in self._document["paths"] else "elsewhere"

    def broken_by(self, ask: Ask, answer: Answer) -> Iterator[str]:
        """What is wrong with an answer."""
        if answer.status >= 500:
            yield f"status {answer.status}"
        if ask.wanted and answer.status not in ask.wanted:
            yield f"status {answer.status}, wanted {' or '.join(map(str, ask.wanted))}"
        if answer.status >= 400:
            yield from self._broken_by_problem(ask, answer)
        elif ask.path:
            yield from self._broken_by_success(ask, answer)

    def _broken_by_problem(self, ask: Ask, answer: Answer) -> Iterator[str]:
        if answer.headers.get("content-type") != PROBLEM_JSON:
            yield f"a problem of the type {answer.headers.get('content-type')}"
        if answer.status == 405 and "allow" not in answer.headers:
            yield "405 without the header allow"
        operation = self._operation(ask)
        responses = operation["responses"] if operation else {}
        if operation and str(answer.status) not in responses:
            yield f"status {answer.status} is not documented"
            return
        place = "#/components/schemas/Problem"  # of an event that is no request that anybody could document
        if operation:
            place = responses[str(answer.status)]["$ref"] + "/content/application~1problem+json/schema"
        elif ask.path:
            place = f"#/components/responses/Problem{answer.status}/content/application~1problem+json/schema"
        yield from self._broken_by_schema(place, answer)

    def _broken_by_success(self, ask: Ask, answer: Answer) -> Iterator[str]:
        operation = self._operation(ask)
        if ask.method in ("OPTIONS", "HEAD") and not answer.body:
            return
        if operation is None:
            yield f"status {answer.status} where nothing is documented"
            return
        documented = operation["responses"].get(str(answer.status))
        if documented is None:
            yield f"status {answer.status} is not documented"
            return
        media_type = answer.headers.get("content-type", "")
        if media_type not in documented["content"]:
            yield f"content type {media_type} is not documented"
        elif documented["content"][media_type]:
            path = ask.path.replace("~", "~0").replace("/", "~1")
            place = f"#/paths/{path}/{ask.method.lower()}/responses/{answer.status}"
            yield from self._broken_by_schema(f"{place}/content/application~1json/schema", answer)

    def _broken_by_schema(self, place: str, answer: Answer) -> Iterator[str]:
        try:
            content = json.loads(answer.body)
        except ValueError:
            yield "a body that is not JSON"
            return
        if place not in self._validators:
            wrapped = {"$ref": place, "components": self._document["components"], "paths": self._document["paths"]}
            self._validators[place] = jsonschema_rs.Draft202012Validator(wrapped)
        for error in self._validators[place].iter_errors(content):
            where = "/".join("#" if isinstance(part, int) else str(part) for part in error.instance_path)
            yield f"the answer breaks the schema at /{where}: {error.message[:120]}"
            return

    def _operation(self, ask: Ask) -> dict[str, Any] | None:
        methods = {method.upper(): operation for method, operation in self._document["paths"].get(ask.path, {}).items()}
        return methods.get(ask.method)

    def told(self, secrets: set[str], text: str) -> str | None:
        """A part of what was sent that stands in `text`."""
        if CANARY in text:
            return CANARY
        for secret in secrets:
            for part in {secret[:_SECRET_PART], secret[-_SECRET_PART:]}:
                if part in text and part not in self._known:
                    return part
        return None


def broken_lines(output: str) -> Iterator[str]:
    """What is wrong with the log lines of one request."""
    requests = 0
    for line in output.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            yield "a log line that is not JSON"
            continue
        if not isinstance(found, dict):
            yield "a log line that is no object"
        elif "_aws" not in found:
            requests += 1
            if not found.keys() >= _LINE_KEYS or "traceback" in line.lower() or "exception" in found:
                yield "a log line of another shape"
    if requests != 1:
        yield f"{requests} log lines about one request"


def secrets(value: object) -> set[str]:
    """The strings in a JSON value that are long enough to be looked for, keys included."""
    found: set[str] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str) and len(item) >= _LEAST_SECRET:
            found.add(item)
        elif isinstance(item, dict):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            stack += item
    return found


def flattened(output: str) -> str:
    """Log lines with the strings in them unescaped, so that what stands there is found however it was written."""
    found = [output]
    for line in output.splitlines():
        try:
            found += sorted(secrets(json.loads(line)))
        except ValueError:
            continue
    return "\n".join(found)
