"""What moto lacks, in front of moto: everything goes through to moto, but

- CloudFormation and CodeDeploy are answered by `cloudformation.py` and `codedeploy.py`, for which time passes here;
- Invoke runs the real handler, in a process of its own, on the bundle in the image of the version that is asked, or
  the code that the template has in line;
- a test may look at every request, have it refused (429, 503), have its answer lost after it was done, or kill the
  asker at that very moment.
"""

from __future__ import annotations

import builtins
import http.client
import io
import json
import random
import re
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.cloud.cloudformation import CloudFormation
from tests.cloud.codedeploy import CodeDeploy
from tests.cloud.protocol import called, model, reply
from tests.cloud.server import REGION
from tests.cloud.translator import TRANSLATOR

_INSTANCE = Path(__file__).with_name("instance.py")
_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_GET_FUNCTION = re.compile(r"/2015-03-31/functions/[^/]+")
_TICK_SECONDS = 0.01
_SCOPE = "AWS4-HMAC-SHA256 Credential=testing/20260101/eu-central-1/lambda/aws4_request, SignedHeaders=h, Signature=0"
_XML = ("s3", "sts", "cloudformation")  # the services that answer in XML
_NOT_FORWARDED = {"connection", "expect", "host", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Asked:
    """One request, as a test's hooks see it."""

    number: int  # from 1, since the plane started or was last reset
    service: str  # s3, lambda, ecr, ...
    method: str
    path: str
    body: bytes
    target: str = ""

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        target = self.method in ("PUT", "DELETE") or (self.service == "lambda" and self.method == "POST")
        return target or self.service in ("ecr", "monitoring", "cloudformation", "codedeploy")

    @property
    def operation(self) -> str:
        """The operation of a service that has one address for all, such as CreateChangeSet."""
        return parse_qs(self.body.decode(errors="replace")).get("Action", [self.target])[0]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


PASS, REFUSE, LOSE = "pass", "refuse", "lose"  # answers of the hook `before`
Before = Callable[[Asked], str]
After = Callable[[Asked], None]


class Instance:
    """One warm instance of one image."""

    def __init__(self, image: Path) -> None:
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(image),
            "BUNDLE_DIR": str(image / ".build" / "bundle"),
            "TRUST_FILE": str(image / ".build" / "trust.json"),
            "OPENBLAS_NUM_THREADS": "1",
            "ORT_DISABLE_TELEMETRY": "1",
            "POWERTOOLS_SERVICE_NAME": "limbeck",
            "POWERTOOLS_METRICS_NAMESPACE": "Limbeck",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_INSTANCE)],
            cwd=image,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, event: bytes) -> str:
        assert self._process.stdin and self._process.stdout
        with self._lock:
            self._process.stdin.write(json.dumps(json.loads(event)) + "\n")
            self._process.stdin.flush()
            return self._process.stdout.readline()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Plane:
    """The server. Use it as a context manager."""

    def __init__(self, moto: str, images: Path, clients: Callable[[str], Any], account: str, minute: float) -> None:
        """`images`: where `tests.cloud.stand_in` puts them; `clients`: of moto; `minute`: a deployment's, seconds."""
        self._moto = urlsplit(moto).netloc
        self.images = images
        self.before: Before = lambda asked: PASS
        self.after: After = lambda asked: None
        self.dice = random.Random(1)
        self._instances: dict[str, Instance] = {}
        self._clients = clients
        self.codedeploy = CodeDeploy(clients("lambda"), clients("cloudwatch"), self._hook, minute)
        self.cloudformation = CloudFormation(TRANSLATOR, clients, self.codedeploy, account, REGION)
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._count = 0
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Plane:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        for instance in self._instances.values():
            instance.stop()

    def reset(self) -> None:
        """Nobody is hooked in, and requests count from 1 again."""
        self.before, self.after, self._count = lambda asked: PASS, lambda asked: None, 0

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Answer:  # noqa: ANN401 - a message's
        with self._lock:
            self._count += 1
            operation = (headers.get("X-Amz-Target") or "").rpartition(".")[2]
            asked = Asked(self._count, _service(headers), method, target, body, operation)
        verdict = self.before(asked)
        if verdict == REFUSE:
            return _refused(asked)
        answer = self._done(asked, headers)
        self.after(asked)
        return _failed(asked) if verdict == LOSE else answer

    def _done(self, asked: Asked, headers: Any) -> Answer:  # noqa: ANN401
        if asked.service == "cloudformation":
            return Answer(*reply("cloudformation", self.cloudformation, headers, asked.body))
        if asked.service == "codedeploy":
            return Answer(*reply("codedeploy", self.codedeploy, headers, asked.body))
        url = urlsplit(asked.path)
        found = _INVOKE.fullmatch(url.path)
        if asked.service == "lambda" and asked.method == "GET" and _GET_FUNCTION.fullmatch(url.path):
            return _with_own_image(self._forward(asked, headers))
        if asked.service != "lambda" or found is None:
            return self._forward(asked, headers)
        return self._invoke(unquote(found[1]), parse_qs(url.query).get("Qualifier", ["$LATEST"])[0], asked.body)

    def _tick(self) -> None:
        """Time, for CloudFormation and CodeDeploy."""
        while not self._over.wait(_TICK_SECONDS):
            self.codedeploy.tick()
            self.cloudformation.tick()

    def _hook(self, function: str, event: dict[str, str]) -> None:
        """Run a function whose code stands in the template, as Lambda would; its log goes to moto."""
        code, environment, group = self.cloudformation.inline[function]
        clients = {"lambda": _Invoking(self), "codedeploy": _Telling(self.codedeploy)}
        modules = {
            "boto3": types.SimpleNamespace(client=clients.__getitem__),
            "os": types.SimpleNamespace(environ=environment),
        }
        log: list[str] = []

        def imported(name: str, *more: Any) -> Any:  # noqa: ANN401 - a module
            return modules[name] if name in modules else builtins.__import__(name, *more)

        own = {**vars(builtins), "__import__": imported, "print": lambda line: log.append(str(line))}
        names: dict[str, Any] = {"__builtins__": own}
        exec(compile(code, function, "exec"), names)
        try:
            names["handler"](event, None)
        except Exception as error:  # Lambda would log it, and CodeDeploy was told in `finally`
            log.append(f"{type(error).__name__}: {error}")
        stream = event["DeploymentId"]
        self._clients("logs").create_log_stream(logGroupName=group, logStreamName=stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in log]
        self._clients("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def _invoke(self, function: str, qualifier: str, event: bytes) -> Answer:
        try:
            version = self._routed(function, qualifier)
            code = self._code(function, version)
        except KeyError:
            return _error(404, "ResourceNotFoundException", f"Function not found: {function}:{qualifier}")
        with self._lock:
            if code not in self._instances:
                self._instances[code] = Instance(self.images / code)
            instance = self._instances[code]
        said = instance.ask(event)
        headers = (("X-Amz-Executed-Version", version), ("Content-Type", "application/json"))
        if not said:
            return Answer(200, (*headers, ("X-Amz-Function-Error", "Unhandled")), b'{"errorType": "Runtime.ExitError"}')
        return Answer(200, headers, said.strip().encode())

    def _routed(self, function: str, qualifier: str) -> str:
        """The version that a call by `qualifier` reaches, this time."""
        if qualifier.isdecimal() or qualifier == "$LATEST":
            return qualifier
        alias = self._get(f"/2015-03-31/functions/{function}/aliases/{qualifier}")
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        thrown = self.dice.random()
        for version, share in weights.items():
            if thrown < share:
                return str(version)
            thrown -= share
        return str(alias["FunctionVersion"])

    def _code(self, function: str, version: str) -> str:
        found = self._get(f"/2015-03-31/functions/{function}/configuration?Qualifier={version}")
        return str(found["CodeSha256"])

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._forward(Asked(0, "lambda", "GET", path, b""), {"Authorization": _SCOPE})
        if answer.status >= 300:
            raise KeyError(path)
        return dict(json.loads(answer.body))

    def _forward(self, asked: Asked, headers: Any) -> Answer:  # noqa: ANN401
        connection = http.client.HTTPConnection(self._moto, timeout=60)
        kept = {name: value for name, value in headers.items() if name.lower() not in _NOT_FORWARDED}
        try:
            connection.request(asked.method, asked.path, asked.body or None, kept)
            said = connection.getresponse()
            return Answer(said.status, tuple(said.getheaders()), said.read())
        finally:
            connection.close()


class _Invoking:
    """boto3's client of Lambda, as the hook uses it."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        function, _, qualifier = FunctionName.rpartition(":")
        said = self._plane._invoke(function.rpartition(":")[2], qualifier, Payload)
        failed = (
            {"FunctionError": "Unhandled"} if any(name == "X-Amz-Function-Error" for name, _ in said.headers) else {}
        )
        return {"Payload": io.BytesIO(said.body), **failed}


class _Telling:
    """boto3's client of CodeDeploy, likewise."""

    def __init__(self, codedeploy: CodeDeploy) -> None:
        self._codedeploy = codedeploy

    def put_lifecycle_event_hook_execution_status(self, **told: str) -> None:
        operation = model("codedeploy").operation_model("PutLifecycleEventHookExecutionStatus")
        called(self._codedeploy, operation, told)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        """Who was killed does not say goodbye; a fault of the plane's own is worth a traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(plane: Plane) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body leave together: 40 ms less an answer

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # its asker died while it was sending: AWS takes no part of a body
                self.close_connection = True
                return
            try:
                answer = plane.answer(self.command, self.path, self.headers, body)
                self.send_response_only(answer.status)
                for name, value in answer.headers:
                    if name.lower() not in _NOT_FORWARDED:
                        self.send_header(name, value)
                there = [value for name, value in answer.headers if name.lower() == "content-length"]
                head = self.command == "HEAD"
                self.send_header("Content-Length", there[0] if head and there else str(len(answer.body)))
                self.end_headers()
                self.wfile.write(b"" if head else answer.body)
                self.wfile.flush()
            except OSError:
                self.close_connection = True  # the asker is dead

        def handle_expect_100(self) -> bool:
            super().handle_expect_100()
            self.wfile.flush()
            return True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Nothing."""

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

    return Handler


def _service(headers: Any) -> str:  # noqa: ANN401
    """The service that a signature is for."""
    found = re.search(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/", headers.get("Authorization") or "")
    return found[1] if found else ""


def _refused(asked: Asked) -> Answer:
    """Throttled, nothing done."""
    if asked.service in _XML:
        return _error(503, "SlowDown" if asked.service == "s3" else "Throttling", "Rate exceeded", xml=asked.service)
    if asked.service == "lambda":
        return _error(429, "TooManyRequestsException", "Rate exceeded")
    return _error(400, "ThrottlingException", "Rate exceeded")


def _failed(asked: Asked) -> Answer:
    """An inner fault, after it was done."""
    if asked.service in _XML:
        return _error(500, "InternalError", "We encountered an internal error.", xml=asked.service)
    return _error(500, "ServiceException", "Internal error")


def _error(status: int, code: str, message: str, *, xml: str = "") -> Answer:
    """`xml`: the service, where it answers in XML."""
    if xml:
        inner = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = "<?xml version='1.0'?>" + (inner if xml == "s3" else f"<ErrorResponse>{inner}</ErrorResponse>")
        return Answer(status, (("Content-Type", "application/xml"),), body.encode())
    body = json.dumps({"__type": code, "message": message, "Type": "User"}).encode()
    return Answer(status, (("Content-Type", "application/json"), ("x-amzn-ErrorType", code)), body)


def _with_own_image(answer: Answer) -> Answer:
    """moto gives every version the image of the newest; a version's own is the one of its CodeSha256."""
    document = json.loads(answer.body or b"{}")
    if answer.status == 200 and "Configuration" in document:
        image = document["Code"]["ImageUri"].partition("@")[0] + "@sha256:" + document["Configuration"]["CodeSha256"]
        document["Code"] |= {"ImageUri": image, "ResolvedImageUri": image}
    return Answer(answer.status, answer.headers, json.dumps(document).encode())
