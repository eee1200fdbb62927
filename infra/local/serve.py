"""The function behind HTTPS on this machine: its real container with `sam local start-api`, or the emulator.

Both are context managers that give an `Endpoint` once it answers, and leave nothing running. The certificate is made
on the spot and goes with them.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.errors import LocalError
from infra.image.container import find_sam
from infra.image.staging import BUILD, ROOT
from infra.local import certificate, https_bridge
from infra.local.certificate import Certificate
from infra.local.emulator import Emulator

ORIGIN_PARAMETER, ORIGIN_VARIABLE = "CorsOrigin", "CORS_ORIGIN"  # in template.yaml, and what the function reads
_LIVE = "/v2/health/live"
_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
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
    port = _usable(port)
    log = root / BUILD / f"start-api-{port}.log"
    with _certificate() as made:
        command = [str(find_sam(root)), "local", "start-api", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--ssl-cert-file", str(made.key), "--ssl-key-file", str(made.key)]
        command += ["--warm-containers", "EAGER", "--skip-pull-image"]
        if parameters:
            command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
        environment = os.environ | {"SAM_CLI_TELEMETRY": "0"} | ({"DOCKER_HOST": host} if host else {})
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone, and we tell SAM
            )
        try:
            _wait(process, port, made, log)
            yield Endpoint(f"https://127.0.0.1:{port}", made, log)
        finally:
            _stop(process)


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
    folder = Path(tempfile.mkdtemp(prefix="limbeck-"))
    try:
        yield certificate.make(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _usable(port: int) -> int:
    """The port, if nobody has it; any free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LocalError(f"Port {port} on 127.0.0.1 cannot be used: {error.strerror}. Name another one.") from None
        found: int = probe.getsockname()[1]
        return found


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


def _stop(process: subprocess.Popen[bytes]) -> None:
    """As with Ctrl-C: SAM then removes its containers itself. A shell's background jobs do not hear SIGINT."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
