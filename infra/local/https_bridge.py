"""HTTPS in front of the emulator, where Docker is not to be had: requests become the events of a REST API.

The events are those of API Gateway with every media type declared binary, as the template does: bodies are base64.
Neither this nor `sam local start-api` checks API keys, or throttles.
"""

from __future__ import annotations

import base64
import binascii
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.aws.lambda_events import rest_event
from infra.errors import LocalError
from infra.local.certificate import Certificate
from infra.local.emulator import Emulator, free_port

_MAX_BODY_BYTES = 10_000_000  # REST API's own limit
_SOCKET_SECONDS = 60.0


@contextmanager
def listen(emulator: Emulator, certificate: Certificate, port: int = 0) -> Iterator[int]:
    """Serve `emulator` over HTTPS on 127.0.0.1, on any free port for 0. Gives the port.

    Raises:
        LocalError: the port is taken.
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
        try:
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        except OSError:
            return  # not TLS, a certificate not trusted, or gone


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
