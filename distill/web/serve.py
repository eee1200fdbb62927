"""A page on this machine: its files as they are, under the headers that a server should send with them."""

from __future__ import annotations

import json
import mimetypes
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.web import policy
from distill.web.site import MARK

HOST = "127.0.0.1"
_TEXT = "text/plain; charset=utf-8"
# What Python's own table lacks, or takes from the machine's, where it may be wrong.
_TYPES: Mapping[str, str] = {
    "": _TEXT,  # LICENSE
    ".css": "text/css; charset=utf-8",
    ".gzip": "application/octet-stream",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".txt": _TEXT,
}


class _Handler(SimpleHTTPRequestHandler):
    """GET and HEAD of the page's files. It writes no log: who loads what is nobody's business."""

    protocol_version = "HTTP/1.1"
    extensions_map = {**mimetypes.types_map, **_TYPES}

    def __init__(self, *rest: Any, sent: dict[str, str], **named: Any) -> None:  # noqa: ANN401 - the base class's own
        self._sent = sent
        super().__init__(*rest, **named)

    def end_headers(self) -> None:
        for name, value in self._sent.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")  # a page that is built again is seen at the next load
        super().end_headers()

    def list_directory(self, path: Any) -> None:  # noqa: ANN401 - the base class's own
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's own
        """A browser that goes away in the middle is no error; anything else is told as ever."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def until_stopped(announce: Callable[[], None]) -> None:
    """Wait for Ctrl-C or SIGTERM. `announce` is called once both are heeded, lest who reads it is too quick."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        announce()
        threading.Event().wait()


@contextmanager
def listening(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve the page in `folder` on this machine alone; gives its origin.

    Args:
        folder: what `distill.web.site.build` wrote.
        port: where to listen; 0 for any free port.

    Raises:
        DataError: no page is there, or the port is taken.
    """
    try:
        page = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(f"{folder} holds no page. Make one with `limbeck web BUNDLE --out DIR`.") from None
    handler = partial(_Handler, directory=str(folder), sent=policy.headers(page.get("predict_url")))
    try:
        server = _Server((HOST, port), handler)
    except OSError as error:
        raise DataError(f"Port {port} on {HOST} cannot be used: {error.strerror}. Name another one.") from None
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
