"""The function behind HTTPS on this machine: its real container with `sam local start-api`, or the emulator.

Both are context managers that give an `Endpoint` once it answers, and leave nothing running. The certificate is made
on the spot and goes with them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import http.client
import signal
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra import processes
from infra.aws.lambda_events import rest_event
from infra.errors import LocalError
from infra.image import container
from infra.image.staging import BUILD, ROOT
from infra.local.emulator import Emulator, free_port

ORIGIN_PARAMETER, ORIGIN_VARIABLE = "CorsOrigin", "CORS_ORIGIN"  # in template.yaml, and what the function reads
_LIVE = "/v2/health/live"
_START_SECONDS = 120.0
_PROBE_SECONDS = 20.0
_MAX_BODY_BYTES = 10_000_000  # REST API's own limit
_SOCKET_SECONDS = 60.0
_VALID = timedelta(days=7)  # of a certificate


@dataclass(frozen=True)
class Certificate:
    """What clients trust and what the server shows, as PEM."""

    file: Path  # the authority that signed the server's certificate; clients trust this one
    key: Path  # the server's key, and its certificate
    pin: str  # base64 of the SHA-256 of the server's public key, as browsers pin it


@dataclass(frozen=True)
class Endpoint:
    """Where the function answers, and what a client must trust to believe it."""

    url: str  # https://127.0.0.1:PORT, without a slash at its end
    certificate: Certificate
    log: Path | None = None  # what SAM and the function wrote, where SAM runs it


@contextmanager
def in_container(
    host: str, root: Path = ROOT, port: int = 0, parameters: Mapping[str, str] | None = None
) -> Iterator[Endpoint]:
    """Serve what `sam build` built under `root` with `sam local start-api`, with one warm container.

    Args:
        host: address of the Docker daemon, "" for the default.
        root: the checkout.
        port: where to listen; 0 for any free port.
        parameters: the template's, where they differ from its defaults.

    Raises:
        LocalError: no SAM CLI, the port is taken, or the function does not come up.
    """
    port = free_port(port)
    log = root / BUILD / f"start-api-{port}.log"
    with _certificate() as made:
        overrides = [f"{name}={value}" for name, value in (parameters or {}).items()]
        command = [
            *(str(container.find_sam(root)), "local", "start-api", "--host", "127.0.0.1", "--port", str(port)),
            *("--ssl-cert-file", str(made.key), "--ssl-key-file", str(made.key)),
            *("--warm-containers", "EAGER", "--skip-pull-image"),
            *(["--parameter-overrides", *overrides] if overrides else []),
        ]
        process = processes.start(command, container.environment(host), root, log)
        try:
            _wait(process, port, made, log)
            yield Endpoint(f"https://127.0.0.1:{port}", made, log)
        finally:
            processes.stop(process, signal.SIGINT, signal.SIGTERM)  # at SIGINT, SAM removes its containers itself


@contextmanager
def under_emulator(bundle: Path, port: int = 0, environment: Mapping[str, str] | None = None) -> Iterator[Endpoint]:
    """Serve `bundle` with the same handler under the Lambda runtime emulator, on this machine's own Python.

    Raises:
        LocalError: no emulator, or the port is taken.
    """
    with (
        _certificate() as made,
        Emulator(bundle, environment=dict(environment or {})) as emulator,
        _bridge(emulator, made, port) as port,
    ):
        yield Endpoint(f"https://127.0.0.1:{port}", made)


def certificate(folder: Path) -> Certificate:
    """Write a certificate for localhost, 127.0.0.1 and ::1 and its key into `folder`. Nobody else may read the key.

    The authority's own key is never written: who trusts it trusts this one server, and nothing else that it could sign.
    """
    authority = trustme.CA(path_length=0, organization_unit_name="Limbeck on this machine")
    server = authority.issue_cert("localhost", "127.0.0.1", "::1", not_after=datetime.now(UTC) + _VALID)
    trusted, key = folder / "certificate.pem", folder / "key.pem"
    authority.cert_pem.write_to_path(trusted)
    key.touch(mode=0o600)
    server.private_key_and_cert_chain_pem.write_to_path(key)
    public = x509.load_pem_x509_certificate(server.cert_chain_pems[0].bytes()).public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Certificate(trusted, key, base64.b64encode(hashlib.sha256(spki).digest()).decode())


@contextmanager
def _certificate() -> Iterator[Certificate]:
    with tempfile.TemporaryDirectory(prefix="limbeck-", ignore_cleanup_errors=True) as folder:
        yield certificate(Path(folder))


def _wait(process: subprocess.Popen[bytes], port: int, made: Certificate, log: Path) -> None:
    """Until the function itself answers.

    Raises:
        LocalError: it does not, in time or ever. The message has the end of the log.
    """
    context = ssl.create_default_context(cafile=made.file)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        probe = http.client.HTTPSConnection("127.0.0.1", port, timeout=_PROBE_SECONDS, context=context)
        with suppress(OSError, http.client.HTTPException), closing(probe):  # not there yet
            probe.request("GET", _LIVE)
            if probe.getresponse().status == 200:
                return
        time.sleep(0.3)
    said = log.read_text(encoding="utf-8", errors="replace").strip()[-1500:]
    how = "did not answer in time" if process.poll() is None else f"ended with status {process.returncode}"
    raise LocalError(f"`sam local start-api` {how}. It says:\n{said}")


@contextmanager
def _bridge(emulator: Emulator, certificate: Certificate, port: int) -> Iterator[int]:
    """HTTPS on 127.0.0.1 in front of `emulator`, on any free port for 0. Gives the port.

    The events are those of API Gateway with every media type declared binary, as the template does: bodies are base64.
    Neither this nor `sam local start-api` checks API keys, or throttles.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate.key)
    server = _Server(("127.0.0.1", free_port(port)), _handler(emulator, threading.Lock()))
    server.context = context
    thread = threading.Thread(target=server.serve_forever, name="bridge", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        """Shake hands in the connection's own thread, so that a silent client holds up nobody else."""
        request.settimeout(_SOCKET_SECONDS)
        # An OSError: not TLS, a certificate not trusted, or gone.
        with suppress(OSError), self.context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)


def _handler(emulator: Emulator, one_at_a_time: threading.Lock) -> type[BaseHTTPRequestHandler]:
    """A request handler that invokes `emulator`, which takes one event at a time as a function's instance does."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = self.headers.get("Content-Length") or "0"
            if not length.isdecimal() or int(length) > _MAX_BODY_BYTES or "Transfer-Encoding" in self.headers:
                self.close_connection = True
                self._send(413, {}, b'{"message": "Request Too Long"}')
                return
            event = rest_event(self.command, self.path, self.headers.items(), self.rfile.read(int(length)))
            try:
                with one_at_a_time:
                    said = emulator.invoke(event).payload
                status, headers, body = said["statusCode"], _headers(said), _body(said)
            except (LocalError, KeyError, TypeError, binascii.Error):
                status, headers, body = 502, {}, b'{"message": "Internal server error"}'
            self._send(status, headers, body)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Nothing: the function logs its requests itself."""

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    return Handler


def _headers(said: dict[str, Any]) -> dict[str, str]:
    many = {name: ", ".join(values) for name, values in (said.get("multiValueHeaders") or {}).items()}
    return {name: str(value) for name, value in ((said.get("headers") or {}) | many).items()}


def _body(said: dict[str, Any]) -> bytes:
    body: str = said.get("body") or ""
    return base64.b64decode(body, validate=True) if said.get("isBase64Encoded") else body.encode()
