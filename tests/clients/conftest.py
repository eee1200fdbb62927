"""Two endpoints over HTTPS, one for text and one for columns, as the clients of docs/clients.md find them.

The function runs in its real container behind `sam local start-api`. Where no container is to be had (never in CI), the
same handler answers under the emulator.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest

from handler.bundle import contract
from infra.local.serve import Endpoint
from tests import endpoints
from tests.clients import photos, sentiment
from tests.endpoints import Serve


@dataclass(frozen=True)
class Served:
    """An endpoint, and what is behind it."""

    endpoint: Endpoint
    bundle: Path
    name: str
    version: str
    is_stand_in: bool  # its labels are those that docs/clients.md shows, its numbers are not

    @property
    def environment(self) -> dict[str, str]:
        """What `python -m infra.local serve` prints for a client's shell, and nothing else that is about trust."""
        trusted = str(self.endpoint.certificate.file)
        kept = {name: value for name, value in os.environ.items() if "CERT" not in name and "CA_BUNDLE" not in name}
        return kept | {
            "LIMBECK_URL": self.endpoint.url,
            "LIMBECK_KEY": "local",
            "SSL_CERT_FILE": trusted,
            "CURL_CA_BUNDLE": trusted,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }


@dataclass
class Page:
    """A page on a server of its own, for a browser; what the page has to say comes back in `said`."""

    origin: str
    html: bytes = b""
    said: Queue[str] = field(default_factory=Queue)


@pytest.fixture(scope="package")
def serve(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Puts a bundle behind HTTPS, for the page's origin too: in the container where there can be one."""
    return endpoints.serve_for(page.origin, tmp_path_factory.mktemp)


@pytest.fixture(scope="package")
def text(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A stand-in for `sentiment-quick`, which takes minutes to distil."""
    bundle = tmp_path_factory.mktemp("stand-in")
    sentiment.stand_in(bundle)
    with serve(bundle, "clients-text") as endpoint:
        manifest = contract.read(bundle)
        yield Served(endpoint, bundle, manifest.name, manifest.version, True)


@pytest.fixture(scope="package")
def columns(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`breast-cancer`, distilled on this machine."""
    bundle = endpoints.breast_cancer(tmp_path_factory)
    with serve(bundle, "clients-columns") as endpoint:
        manifest = contract.read(bundle)
        yield Served(endpoint, bundle, manifest.name, manifest.version, False)


@pytest.fixture(scope="package")
def pictures(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A stand-in for `clothing`, whose photographs somebody has to fetch."""
    bundle = tmp_path_factory.mktemp("stand-in")
    photos.stand_in(bundle)
    with serve(bundle, "clients-pictures") as endpoint:
        manifest = contract.read(bundle)
        yield Served(endpoint, bundle, manifest.name, manifest.version, True)


@pytest.fixture(scope="package")
def page() -> Iterator[Page]:
    """A server on this machine for one page, which may post what it has to say to /said."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(page.html)

        def do_POST(self) -> None:
            page.said.put(self.rfile.read(int(self.headers["content-length"])).decode())
            self._send(b"")

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ExitStack() as stack:
        server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        page = Page(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        yield page
