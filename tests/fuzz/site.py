"""The function under test: `handler.app.lambda_handler`, loaded from a bundle, with everything it writes caught."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import importlib
import io
import json
import os
import random
import re
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

from tests.fuzz import event_sources, rules
from tests.fuzz.event_sources import Answer, Ask

_GZIP_SHARE, _BASE64_SHARE, _DIRECT_SHARE, _ACCEPT_SHARE = 0.15, 0.3, 0.15, 0.5
_BOUNDARY = re.compile(r"WerkzeugFormPart_[0-9.]+")  # made of the time and chance: another each run


class Context:
    """As much of Lambda's context as a handler may read."""

    aws_request_id = "c0ffee00-0000-4000-8000-000000000001"
    function_name = "fuzzed"
    memory_limit_in_mb = 1769


@dataclass(frozen=True)
class Failure:
    """A rule that an answer broke, and the shortest event that it was seen with."""

    rule: str
    route: str
    event: str


@dataclass
class Tally:
    """What was asked, and how it was answered."""

    requests: int = 0
    statuses: Counter[tuple[str, str, int]] = field(default_factory=Counter)  # by (route, source, status)
    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)
    failed: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def share_of_200s(self) -> float:
        """Of all requests."""
        good = sum(count for (_, _, status), count in self.statuses.items() if status == 200)
        return good / max(1, self.requests)

    def fail(self, rule: str, route: str, event: object) -> None:
        """Count a broken rule."""
        self.failed += 1
        shown = json.dumps(event, default=str)
        known = self.failures.get((rule, route))
        if known is None or len(shown) < len(known.event):
            self.failures[rule, route] = Failure(rule, route, shown)


class Site:
    """One function, its event_sources, and a tally of what went through them. Also a WSGI application."""

    def __init__(self, bundle: Path, seed: int = 0) -> None:
        """Load the handler as Lambda would. `seed` decides by which source, and how wrapped, each request goes."""
        self.tally = Tally()
        self.output, self.errors = io.StringIO(), io.StringIO()
        self._handle = self._loaded(bundle)
        self._random = random.Random(seed)
        self.document: dict[str, Any] = json.loads(self._right(Ask("GET", "/openapi.json")))
        self.rules = rules.Rules(self.document)
        content = self.document["paths"][event_sources.PREDICT]["post"]["requestBody"]["content"]["application/json"]
        example = json.dumps(content["examples"]["one"]["value"]).encode()
        self._right(Ask("POST", event_sources.PREDICT, body=example))
        self.rules.learn(self.output.getvalue())
        _forget(self.output, self.errors)

    def _right(self, ask: Ask) -> bytes:
        """The answer to a request that nothing is wrong with."""
        with redirect_stdout(self.output), redirect_stderr(self.errors):
            answered = event_sources.answer(self._handle(event_sources.rest(ask, False), Context()))
        assert answered.status == 200, f"the function has no model to ask: {self.output.getvalue()}"
        return answered.body

    def _loaded(self, bundle: Path) -> Callable[[object, object], dict[str, Any]]:
        """`handler.app` in a state of its own: the module is what holds it."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "POWERTOOLS"))}
        environment |= {"BUNDLE_DIR": str(bundle), "POWERTOOLS_SERVICE_NAME": f"fuzz-{uuid.uuid4().hex}"}
        others = sys.modules.pop("handler.app", None)
        with mock.patch.dict(os.environ, environment, clear=True), redirect_stdout(self.output):
            module = importlib.import_module("handler.app")
        del sys.modules["handler.app"]
        if others is not None:
            sys.modules["handler.app"] = others
        return module.lambda_handler  # type: ignore[no-any-return]

    def ask(self, ask: Ask, source: str | None = None) -> Answer:
        """Send a request through a source, or through one by chance, and check the answer."""
        ask, source, as_base64 = self._wrapped(ask, source)
        event = event_sources.direct(ask) if source == "direct" else event_sources.EVENT_SOURCES[source](ask, as_base64)
        read = event_sources.bare_answer if source == "direct" else event_sources.answer
        return self._judged(event, ask, source, read)

    def invoke(self, event: object, wanted: tuple[int, ...] = ()) -> Answer:
        """Send an event of any shape, and check the answer. `wanted`: the statuses that are right for it."""
        ask = Ask("", "", wanted=wanted)

        def read(result: Mapping[str, Any]) -> Answer:
            return event_sources.answer(result) if "statusCode" in result else event_sources.bare_answer(result)

        return self._judged(event, ask, "odd", read)

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """WSGI, for clients that speak HTTP."""
        answer = self.ask(_ask(environ))
        start_response(f"{answer.status} Answered", [*answer.headers.items()])
        return [answer.body]

    def _wrapped(self, ask: Ask, source: str | None) -> tuple[Ask, str, bool]:
        """By which source the request goes, whether its body is base64, and whether it and its answer are gzip'd."""
        draw = self._random.random
        as_base64, gzips, accepts, goes_direct = (
            draw() < share for share in (_BASE64_SHARE, _GZIP_SHARE, _ACCEPT_SHARE, _DIRECT_SHARE)
        )
        if source is None:
            source = "direct" if goes_direct else self._random.choice(sorted(event_sources.EVENT_SOURCES))
        if source == "direct" and event_sources.direct(ask) is None:
            source = "rest"
        if source != "direct":
            if gzips and ask.body and ask.header("content-encoding") is None:
                packed = gzip.compress(ask.body, compresslevel=1, mtime=0)
                ask = replace(ask, headers=(*ask.headers, ("Content-Encoding", "gzip")), body=packed)
            if accepts and ask.header("accept-encoding") is None:
                ask = replace(ask, headers=(*ask.headers, ("Accept-Encoding", "gzip, br")))
        return ask, source, as_base64

    def _judged(self, event: object, ask: Ask, source: str, read: Callable[[Mapping[str, Any]], Answer]) -> Answer:
        tally, route = self.tally, self.rules.route(ask)
        tally.requests += 1
        tally.digest.update(json.dumps(event, sort_keys=True, default=str).encode())
        broken: list[str] = []
        answer = Answer(0, {}, b"")
        try:
            with redirect_stdout(self.output), redirect_stderr(self.errors):
                result = self._handle(event, Context())
            if len(json.dumps(result, allow_nan=False)) > rules.MAX_RESULT_BYTES:
                broken.append("an answer over Lambda's limit")
            answer = read(result)
        except Exception as error:  # whatever escapes is what is looked for
            broken.append(f"{type(error).__name__} instead of an answer: {str(error)[:80]}")
        else:
            broken += self.rules.broken_by(ask, answer)
        broken += self._broken_by_output(event, answer)
        tally.statuses[route, source, answer.status] += 1
        for rule in broken:
            tally.fail(rule, route, event)
        return answer

    def _broken_by_output(self, event: object, answer: Answer) -> list[str]:
        output, errors = self.output.getvalue(), self.errors.getvalue()
        broken = [*rules.broken_lines(output)]
        if errors:
            broken.append(f"something on standard error: {errors[:80]}")
        secrets = rules.secrets(event) | rules.secrets(_contents(event))
        if (told := self.rules.told(secrets, rules.flattened(output))) is not None:
            broken.append(f"the log tells of the input: {told[:20]!r}")
        if answer.status >= 400:
            text = rules.flattened(answer.body.decode(errors="replace"))
            if (told := self.rules.told(secrets, text)) is not None:
                broken.append(f"the problem document tells of the input: {told[:20]!r}")
        _forget(self.output, self.errors)
        return broken


def _forget(*streams: io.StringIO) -> None:
    for stream in streams:
        stream.seek(0)
        stream.truncate()


def _contents(event: object) -> object:
    """The body within an event, as far as it can be read: a JSON value, or its text in pieces."""
    body = event.get("body") if isinstance(event, dict) else None
    if not isinstance(body, str):
        return None
    data = body.encode(errors="replace")
    try:
        if isinstance(event, dict) and event.get("isBase64Encoded") is True:
            data = base64.b64decode(body)
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        return json.loads(data)
    except (ValueError, binascii.Error, EOFError, OSError, RecursionError, gzip.zlib.error):  # type: ignore[attr-defined]
        return data[:100_000].decode(errors="replace").split()


def _ask(environ: Mapping[str, Any]) -> Ask:
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").title(), _BOUNDARY.sub("boundary", str(value)))
        for name, value in environ.items()
        if (name.startswith("HTTP_") and not name.startswith("HTTP_X_SCHEMATHESIS"))
        or (name == "CONTENT_TYPE" and value)
    ]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body = _BOUNDARY.sub("boundary", body.decode("latin-1")).encode("latin-1")
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    return Ask(environ["REQUEST_METHOD"], path, tuple(headers), body, environ.get("QUERY_STRING", ""))
