"""The handler under the Lambda runtime emulator, without Docker: the binary that the SAM CLI carries.

The emulator starts `python -m awslambdaric` and speaks the Lambda runtime protocol with it, so the same code answers
the same events as in the cloud. What it does not show is the image: its base, its user, its stripped packages.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Self

from infra import processes
from infra.aws.lambda_events import Answer
from infra.errors import LocalError
from infra.image.container import find_sam
from infra.image.staging import ROOT

HANDLER = "handler.app.lambda_handler"
INVOKE = "/2015-03-31/functions/function/invocations"
_START_SECONDS = 10.0
_START_TRIES = 3  # a free port may be taken between finding and using it


def find_emulator(root: Path = ROOT) -> Path:
    """The emulator for this machine's processor, which the SAM CLI carries.

    Raises:
        LocalError: not on Linux, or no SAM CLI.
    """
    if sys.platform != "linux":
        raise LocalError(f"The Lambda runtime emulator runs on Linux only, this is {sys.platform}: use Docker.")
    name = "aws-lambda-rie-" + ("arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64")
    home = find_sam(root).resolve().parents[1]
    for path in sorted(home.glob(f"lib/python*/site-packages/samcli/local/rapid/{name}")):
        if os.access(path, os.X_OK):
            return path
    raise LocalError(f"No {name} found: it comes with the SAM CLI. Run `make .venv-sam`.")


class Emulator:
    """A running function. Use it as a context manager; it stops with everything it started."""

    def __init__(self, bundle: Path, root: Path = ROOT, environment: dict[str, str] | None = None) -> None:
        """Prepare to serve `bundle` with the handler under `root`; `environment` is added to this process's own."""
        self._binary = find_emulator(root)
        self._root = root
        self._environment = os.environ | {
            "BUNDLE_DIR": str(bundle.resolve()),
            "LAMBDA_TASK_ROOT": str(root),
            "PYTHONPATH": str(root),
            "OPENBLAS_NUM_THREADS": "1",
            "ORT_DISABLE_TELEMETRY": "1",
            "AWS_LAMBDA_FUNCTION_NAME": "limbeck",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "10",
            "POWERTOOLS_SERVICE_NAME": "limbeck",
            "POWERTOOLS_METRICS_NAMESPACE": "Limbeck",
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0  # where it listens, on 127.0.0.1
        self.log_path = root / ".build" / "emulator.log"  # the file behind `log`, while the emulator runs

    def __enter__(self) -> Self:
        """Start the emulator. The function itself starts at the first event, as the emulator does it."""
        self.log_path.parent.mkdir(exist_ok=True)
        for _ in range(_START_TRIES):
            self.port, runtime_port = free_port(), free_port()
            self.log_path = self.log_path.with_name(f"emulator-{self.port}.log")
            command = [
                *(str(self._binary), "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}"),
                *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
                *(sys.executable, "-m", "awslambdaric", HANDLER),
            ]
            self._process = processes.start(command, self._environment, self._root, self.log_path)
            if self._listens():
                return self
            said = self.log
            self.__exit__()
        raise LocalError(f"The Lambda runtime emulator did not start. It said: {said.strip()[-500:] or 'nothing'}")

    def __exit__(self, *error: object) -> None:
        """Stop the emulator and the function."""
        if self._process is not None:
            processes.stop(self._process, signal.SIGTERM)
            self._process = None
            self.log_path.unlink(missing_ok=True)

    @property
    def log(self) -> str:
        """Everything that the emulator and the function wrote so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    @property
    def function_pid(self) -> int:
        """The process of the function itself, once the first event has started it.

        Raises:
            LocalError: it is not running.
        """
        pid = self._process.pid if self._process else 0
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in task.read_text(encoding="ascii").split():
                return int(child)
        raise LocalError("The function is not running under the emulator.")

    def invoke(self, event: object, timeout_seconds: float = 60.0) -> Answer:
        """Send one event, wait for the answer.

        Raises:
            LocalError: the emulator did not answer, or answered something else than JSON.
        """
        before = len(self.log)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_seconds)
        try:
            with closing(connection):
                connection.request("POST", INVOKE, json.dumps(event), {"Content-Type": "application/json"})
                body = connection.getresponse().read().decode()
            return Answer(json.loads(body) if body.strip() else None, self.log[before:])
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise LocalError(
                f"The Lambda runtime emulator gave no answer ({reason}). Its log ends with: {self.log[-500:]}"
            ) from None

    def _listens(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return True
            time.sleep(0.02)
        return False


def free_port(port: int = 0) -> int:
    """The port of 127.0.0.1, if nobody listens on it just now; any free one for 0.

    Raises:
        LocalError: somebody does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LocalError(f"Port {port} on 127.0.0.1 cannot be used: {error.strerror}. Name another one.") from None
        return int(probe.getsockname()[1])
