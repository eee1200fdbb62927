"""Three images of one model: the least there can be, the function's own, and a torch handler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.errors import LocalError
from infra.image import container
from infra.image.staging import BUILD, ROOT, stage, stage_certificates
from tests.benchmarks import torch_student

HERE = Path(__file__).parent / "images"
PYTORCH_CPU = "https://download.pytorch.org/whl/cpu"
FLOOR, OURS, TORCH = "floor", "ours", "torch"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Docker:
    """A daemon that answers."""

    host: str

    def run(self, *arguments: str) -> str:
        """What `docker ...` says.

        Raises:
            LocalError: it failed.
        """
        environment = os.environ | ({"DOCKER_HOST": self.host} if self.host else {})
        done = subprocess.run(
            ["docker", *arguments], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            raise LocalError(f"`docker {arguments[0]}` failed: {(done.stderr.strip() or done.stdout.strip())[-1500:]}")
        return done.stdout.strip()

    def logs(self, name: str) -> str:
        """Everything that a container wrote."""
        environment = os.environ | ({"DOCKER_HOST": self.host} if self.host else {})
        done = subprocess.run(["docker", "logs", name], env=environment, capture_output=True, text=True)
        return done.stdout + done.stderr

    def megabytes(self, image: str) -> float:
        """Size of an image, in millions of bytes."""
        return int(self.run("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


@dataclass(frozen=True)
class Image:
    """One of the three, built."""

    variant: str
    tag: str
    handler: str
    megabytes: float
    own_megabytes: float  # over its base


def python_version() -> str:
    """Of this checkout's environment: torch is certain to exist for it, so all three images have it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def build(bundle: Path, torch: bool, say: Say) -> tuple[Docker, str, list[Image]]:
    """The daemon, the base, and the images on it.

    Raises:
        LocalError: no Docker, no base image of this Python, no CPU build of torch, or a build failed.
    """
    docker = Docker(container.docker_host())
    if torch:
        os.environ.setdefault("LIMBECK_PYTHON", python_version())
    base = container.base_image(docker.host)
    with TemporaryDirectory() as folder:
        ours = _build_ours(docker, base, bundle, Path(folder) / "function", say)
    images = [(FLOOR, _tag(FLOOR), "floor.lambda_handler"), (OURS, ours, "handler.app.lambda_handler")]
    with TemporaryDirectory() as folder:
        context = Path(folder)
        _lay_out(context, bundle, torch, say)
        arguments = ["--build-arg", f"BASE_IMAGE={base}", "--build-arg", f"FUNCTION={ours}"]
        say("the floor's image")
        docker.run("build", "-q", "-t", _tag(FLOOR), *arguments, "--target", "floor", folder)
        if torch:
            say("the torch handler's image, which is large")
            docker.run("build", "-q", "-t", _tag(TORCH), *arguments, "--target", "torch", folder)
            images.append((TORCH, _tag(TORCH), "torch_handler.lambda_handler"))
    plain = docker.megabytes(base)
    made = [Image(*image, docker.megabytes(image[1]), docker.megabytes(image[1]) - plain) for image in images]
    return docker, base, made


def _tag(variant: str) -> str:
    return f"limbeck-bench:{variant}"


def _build_ours(docker: Docker, base: str, bundle: Path, root: Path, say: Say) -> str:
    """The image of `infra/Dockerfile`, from a second checkout: what somebody staged in this one stays as it is."""
    say("the function's image")
    for folder in ("handler", "infra"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".dockerignore", root)
    stage(bundle, root)
    stage_certificates(root)
    tag = _tag(OURS)
    arguments = ["--build-arg", f"BASE_IMAGE={base}", "-f", str(root / "infra" / "Dockerfile")]
    docker.run("build", "-q", "-t", tag, *arguments, str(root))
    return tag


def _lay_out(context: Path, bundle: Path, torch: bool, say: Say) -> None:
    """Everything that `images/Dockerfile` copies."""
    for file in HERE.iterdir():
        if file.is_file():
            shutil.copy(file, context)
    shutil.copy(ROOT / "constraints.txt", context)
    stage_certificates(context)
    if (context / BUILD / "ca.pem").exists():
        (context / BUILD / "ca.pem").rename(context / "ca.pem")
    if torch:
        try:
            torch_student.of(bundle).save(context)
        except torch_student.NotConvolutional as error:
            raise LocalError(str(error)) from None
        say("torch's CPU build")
        _fetch_torch(context)


def _fetch_torch(context: Path) -> None:
    """The wheel of the torch that trained the student, in its CPU build: nobody serves with the other on Lambda."""
    import torch  # here, because the other two images do without

    wanted = f"torch=={torch.__version__.partition('+')[0]}+cpu"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", str(context)]
    for index in ([], ["--index-url", PYTORCH_CPU]):
        done = subprocess.run([*command, *index, wanted], capture_output=True, text=True)
        if done.returncode == 0:
            return
    raise LocalError(
        f"pip finds no {wanted}, neither in its own index nor in {PYTORCH_CPU}. "
        "Leave the torch handler out with --no-torch."
    )
