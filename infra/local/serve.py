"""The function behind HTTPS on this machine: its real container with `sam local start-api`, or the emulator.

Both are context managers that give an `Endpoint` once it answers, and leave nothing running. The certificate is made
on the spot and goes with them.
"""

from __future__ import annotations

import http.client
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra import processes
from infra.errors import LocalError
from infra.image import container
from infra.image.staging import BUILD, ROOT
from infra.local import certificate, https_bridge
from infra.local.certificate import Certificate
from infra.local.emulator import Emulator, free_port

ORIGIN_PARAMETER, ORIGIN_VARIABLE = "CorsOrigin", "CORS_ORIGIN"  # in template.yaml, and what the function reads
_LIVE = "/v2/health/live"
_START_SECONDS = 120.0
_PROBE_SECONDS = 20.0


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
        command = [str(container.find_sam(root)), "local", "start-api", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--ssl-cert-file", str(made.key), "--ssl-key-file", str(made.key)]
        command += ["--warm-containers", "EAGER", "--skip-pull-image"]
        if parameters:
            command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
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
        https_bridge.listen(emulator, made, port) as port,
    ):
        yield Endpoint(f"https://127.0.0.1:{port}", made)


@contextmanager
def _certificate() -> Iterator[Certificate]:
    with tempfile.TemporaryDirectory(prefix="limbeck-", ignore_cleanup_errors=True) as folder:
        yield certificate.make(Path(folder))


def _wait(process: subprocess.Popen[bytes], port: int, made: Certificate, log: Path) -> None:
    """Until the function itself answers.

    Raises:
        LocalError: it does not, in time or ever. The message has the end of the log.
    """
    context = ssl.create_default_context(cafile=made.file)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if _status(port, context) == 200:
                return
        except (OSError, http.client.HTTPException):
            pass  # not there yet
        time.sleep(0.3)
    said = log.read_text(encoding="utf-8", errors="replace").strip()[-1500:]
    how = "did not answer in time" if process.poll() is None else f"ended with status {process.returncode}"
    raise LocalError(f"`sam local start-api` {how}. It says:\n{said}")


def _status(port: int, context: ssl.SSLContext) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=_PROBE_SECONDS, context=context)
    try:
        connection.request("GET", _LIVE)
        return connection.getresponse().status
    finally:
        connection.close()
