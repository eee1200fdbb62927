"""A moto server in a process of its own: AWS at the end of a wire, as far as moto goes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE_SECONDS = 60
REGION = "eu-central-1"


@contextmanager
def moto() -> Iterator[str]:
    """Its address, on a port nobody else has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=os.environ | {"MOTO_LAMBDA_STUB_ECR": "false"},  # an image that is not in ECR is no code
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _answers(f"{address}/moto-api/"):
            assert process.poll() is None and time.monotonic() < deadline, "the moto server did not come up"
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


def reset(address: str) -> None:
    """Empty every account."""
    _post(f"{address}/moto-api/reset", b"")
    _post(f"{address}/moto-api/config", json.dumps({"lambda": {"use_docker": False}}).encode())


def environment(address: str) -> dict[str, str]:
    """What a process needs to speak to the server, and nothing of this shell's own AWS settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LIMBECK_"))}
    return kept | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": address,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "NO_COLOR": "1",
    }


def _post(url: str, body: bytes) -> None:
    urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=10).close()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except (urllib.error.URLError, OSError):
        return False
    return True
