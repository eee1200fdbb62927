"""The function in its real container: built by `sam build`, invoked by `sam local invoke`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.errors import LocalError
from infra.image import container
from infra.image.container import Image
from infra.image.staging import stage
from infra.local.__main__ import MAX_OWN_MEGABYTES
from infra.signing.keys import PemSigner
from tests.checkout import copy
from tests.container.conftest import EXPECTED, event, status

pytestmark = pytest.mark.container

TEXT_EVENTS = ["sentiment.json", "sentiment-unicode.json", "sentiment-direct.json", "malformed-json.json", "ready.json"]
TABULAR_EVENTS = ["breast-cancer.json", "breast-cancer-missing-values.json"]
IMAGE_EVENTS = ["photo.json", "photo-explain.json", "photo-cut-off.json"]


@dataclass(frozen=True)
class Daemon:
    """A Docker daemon that answers, and a base image that it has."""

    host: str
    base: str

    def run(self, image: str, *command: str) -> str:
        """What a command prints in a fresh, read-only container, as Lambda gives one."""
        arguments = ["docker", "run", "--rm", "--read-only", "--network", "none", "--entrypoint", command[0], image]
        environment = os.environ | ({"DOCKER_HOST": self.host} if self.host else {})
        done = subprocess.run([*arguments, *command[1:]], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def daemon() -> Daemon:
    try:
        host = container.docker_host()
        return Daemon(host, container.base_image(host))
    except LocalError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must have a container, but: {error}")
        pytest.skip(f"no container to be had: {error}")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A second checkout with an image tag of its own: what somebody built in this one stays as it is."""

    def make(tag: str) -> Path:
        return copy(tmp_path_factory.mktemp("checkout"), tag)

    return make


def _built(daemon: Daemon, root: Path, bundle: Path) -> Image:
    stage(bundle, root)
    return container.build(daemon.host, daemon.base, lambda step: None, root)


@pytest.fixture(scope="session")
def text_root(checkout: Callable[[str], Path]) -> Path:
    return checkout("tests-text")


@pytest.fixture(scope="session")
def image(daemon: Daemon, text_root: Path, sealed: Callable[[str], Path]) -> Image:
    return _built(daemon, text_root, sealed("text"))


@pytest.fixture(scope="session")
def tabular_root(daemon: Daemon, checkout: Callable[[str], Path], sealed: Callable[[str], Path]) -> Path:
    root = checkout("tests-tabular")
    _built(daemon, root, sealed("tabular"))
    return root


@pytest.mark.parametrize("name", TEXT_EVENTS)
def test_a_text_event_gets_its_status_from_the_container(image: Image, text_root: Path, name: str) -> None:
    answer = container.invoke(event(name), image.docker_host, text_root)
    assert not answer.failed
    assert status(name, answer.payload) == EXPECTED[name]["status"]


@pytest.mark.parametrize("name", TABULAR_EVENTS)
def test_a_tabular_event_gets_its_status_from_the_container(daemon: Daemon, tabular_root: Path, name: str) -> None:
    answer = container.invoke(event(name), daemon.host, tabular_root)
    assert not answer.failed
    assert status(name, answer.payload) == EXPECTED[name]["status"]


@pytest.fixture(scope="session")
def image_root(daemon: Daemon, checkout: Callable[[str], Path], sealed: Callable[[str], Path]) -> Path:
    root = checkout("tests-image")
    _built(daemon, root, sealed("image"))
    return root


@pytest.mark.parametrize("name", IMAGE_EVENTS)
def test_a_picture_gets_its_status_from_the_container(daemon: Daemon, image_root: Path, name: str) -> None:
    answer = container.invoke(event(name), daemon.host, image_root)
    assert not answer.failed
    assert status(name, answer.payload) == EXPECTED[name]["status"]


def test_the_image_adds_little_to_its_base(image: Image) -> None:
    assert 0 < image.own_bytes / 1e6 <= MAX_OWN_MEGABYTES


def test_the_image_does_not_run_as_root(daemon: Daemon, image: Image) -> None:
    assert int(daemon.run(image.name, "id", "-u")) > 0


def test_the_image_has_no_compiler_and_none_of_the_heavy_packages(daemon: Daemon, image: Image) -> None:
    compilers = "for name in gcc cc g++ c++ clang ld as make; do command -v $name; done; true"
    assert daemon.run(image.name, "sh", "-c", compilers).strip() == ""
    heavy = (
        "PIL",
        "simplejpeg",
        "torch",
        "boto3",
        "botocore",
        "pydantic",
        "aws_xray_sdk",
        "pandas",
        "sklearn",
        "pip",
        "distill",
        "infra",
    )
    script = f"import importlib.util as u; print([n for n in {heavy} if u.find_spec(n)])"
    assert daemon.run(image.name, "python3", "-c", script).strip() in ("[]", "['pip']")  # the base may bring pip


def test_the_image_holds_the_bundle_and_the_handler_and_nothing_else_of_the_checkout(
    daemon: Daemon, image: Image
) -> None:
    assert daemon.run(image.name, "ls", "/var/task").split() == ["bundle", "handler", "trust.json"]
    assert daemon.run(image.name, "sh", "-c", "find / -xdev -name ca.pem 2>/dev/null || true") == ""


def test_a_bundle_that_nobody_trusted_signed_gets_no_image(
    daemon: Daemon, checkout: Callable[[str], Path], sealed: Callable[[str], Path]
) -> None:
    """Whatever came between staging and building: another key's signature, or another model's manifest."""
    root = checkout("tests-unsigned")
    stage(sealed("text"), root)
    trust_file = root / ".build" / "trust.json"
    honest = trust_file.read_text()
    key = PemSigner.read(root / ".build" / "development-key.pem").public
    other = f"{key.n ^ 6:x}"  # another odd number of the same length
    changes = ((f"{key.n:x}", other, "does not fit"), ("sentiment-quick", "another", "'another' alone"))
    for before, after, said in changes:
        assert before in honest
        trust_file.write_text(honest.replace(before, after))
        with pytest.raises(LocalError, match=r"handler\.bundle\.signature"):
            container.build(daemon.host, daemon.base, lambda step: None, root)
        assert said in (root / ".build" / "sam-build.log").read_text()


def test_every_module_the_handler_needs_is_compiled_in_the_image(daemon: Daemon, image: Image) -> None:
    # Modules frozen into Python itself have a file and no bytecode of it.
    script = (
        "import os, sys, handler.app; "
        "print([m.__name__ for m in list(sys.modules.values()) if getattr(m, '__cached__', None) "
        "and m.__file__.startswith(('/var/task', '/opt', '/usr')) and not os.path.exists(m.__cached__)])"
    )
    assert daemon.run(image.name, "python3", "-c", script).strip().splitlines()[-1] == "[]"


def test_the_image_serves_a_graph_that_was_optimised_when_it_was_built(daemon: Daemon, image: Image) -> None:
    script = (
        "import os; from pathlib import Path; from handler.bundle import contract; "
        "from handler.model import optimized_graph, predictor; "
        "folder = Path(os.environ['BUNDLE_DIR']); sealed = contract.read(folder).files[contract.MODEL]; "
        "print(optimized_graph.find(folder, sealed, predictor.RUNTIME) is not None)"
    )
    assert daemon.run(image.name, "python3", "-c", script).strip() == "True"


def test_onnx_runtime_reports_its_use_to_nobody(daemon: Daemon, image: Image) -> None:
    assert daemon.run(image.name, "printenv", "ORT_DISABLE_TELEMETRY").strip() == "1"
