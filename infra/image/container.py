"""The function in its real container: Docker, a base image, `sam build` and `sam local invoke`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.aws.lambda_events import Answer
from infra.errors import LocalError
from infra.image.staging import BUILD, ROOT, stage_certificates
from infra.processes import run

FUNCTION = "PredictFunction"
_INVOKE_SECONDS = 180


@dataclass(frozen=True)
class Image:
    """A built image, and what it adds to the base that it stands on."""

    name: str
    base: str
    docker_host: str
    own_bytes: int  # size of the image less size of its base


def find_sam(root: Path = ROOT) -> Path:
    """The SAM CLI: in `.venv-sam`, or the one that the shell finds.

    Raises:
        LocalError: there is none.
    """
    own = root / ".venv-sam" / "bin" / "sam"
    found = str(own) if own.exists() else shutil.which("sam")
    if found is None:
        raise LocalError("No SAM CLI found. Run `make .venv-sam`, or install aws-sam-cli.")
    return Path(found)


def docker_host(root: Path = ROOT) -> str:
    """Address of a Docker daemon that answers, started if need be and possible.

    Raises:
        LocalError: there is none, and none can be started.
    """
    return _script(root / "infra" / "start-docker.sh", {})


def base_image(host: str, root: Path = ROOT) -> str:
    """Name of a base image that the daemon at `host` has, fetched or made if need be.

    Raises:
        LocalError: it can be neither fetched nor made.
    """
    return _script(root / "infra" / "base-image.sh", environment(host))


def build(host: str, base: str, say: Callable[[str], None], root: Path = ROOT) -> Image:
    """Build the image around the staged bundle with `sam build`, saying each step.

    Raises:
        LocalError: the build failed; its last lines are in the message, all of them in `.build/sam-build.log`.
    """
    stage_certificates(root)
    command = [str(find_sam(root)), "build", "--parameter-overrides", f"BaseImage={base}"]
    log = root / BUILD / "sam-build.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment(host),
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for line in process.stdout or ():
            file.write(line)
            if line.startswith("Step "):
                say(line.strip())
        status = process.wait()
    if status != 0:
        end = log.read_text(encoding="utf-8").strip()[-800:]
        raise LocalError(f"`sam build` failed with status {status}, see {log}. It ends with:\n{end}")
    name = _image_name(root)
    return Image(name, base, host, _size(name, host) - _size(base, host))


def invoke(event: object, host: str, root: Path = ROOT) -> Answer:
    """Send one event to a fresh container of the built function with `sam local invoke`.

    Raises:
        LocalError: SAM failed, or the function returned nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "event.json"
        path.write_text(json.dumps(event), encoding="utf-8")
        command = [str(find_sam(root)), "local", "invoke", FUNCTION, "--event", str(path), "--skip-pull-image"]
        done = run(command, environment(host), _INVOKE_SECONDS, cwd=root)
    lines = done.stdout.strip().splitlines()
    try:
        return Answer(json.loads(lines[-1]), done.stderr)
    except (IndexError, ValueError):
        end = done.stderr.strip()[-800:]
        raise LocalError(f"`sam local invoke` gave no answer (status {done.returncode}). It says:\n{end}") from None


def _image_name(root: Path) -> str:
    """The tag that SAM gave the image, read from the template that it built."""
    lines = (root / ".aws-sam" / "build" / "template.yaml").read_text(encoding="utf-8").splitlines()
    found = [line.strip().removeprefix("ImageUri: ") for line in lines if line.strip().startswith("ImageUri: ")]
    if not found:
        raise LocalError("`sam build` left no ImageUri in .aws-sam/build/template.yaml: its format may have changed.")
    return found[0]


def _size(image: str, host: str) -> int:
    done = run(["docker", "image", "inspect", "--format", "{{.Size}}", image], environment(host), 60)
    if done.returncode != 0:
        raise LocalError(f"Docker does not know the image {image}: {done.stderr.strip()}")
    return int(done.stdout)


def _script(path: Path, variables: dict[str, str]) -> str:
    """Run one of our scripts: the answer is its last line on standard output; progress goes straight to the user."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            ["bash", str(path)],
            env=os.environ | variables,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.PIPE,
        )
        last = ""
        for line in process.stderr or ():
            os.write(2, line.encode())
            last = line.strip() or last
        status = process.wait()
        if status != 0:
            raise LocalError(last or f"{path.name} failed with status {status}.")
        said.seek(0)
        return said.read().strip()


def environment(host: str) -> dict[str, str]:
    """What SAM and Docker are run with; `host` is the address of the Docker daemon, "" for the default."""
    return os.environ | {"SAM_CLI_TELEMETRY": "0"} | ({"DOCKER_HOST": host} if host else {})
