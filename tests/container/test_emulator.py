"""The handler under the Lambda runtime emulator: the same protocol as in the cloud, no Docker needed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handler.bundle import contract
from infra.local.emulator import Emulator
from tests import bundles
from tests.container.conftest import EXPECTED, event, names, status

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the emulator runs on Linux only")


@pytest.fixture(scope="module")
def text(sealed: Callable[[str], Path]) -> Iterator[Emulator]:
    with Emulator(sealed("text")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def tabular(sealed: Callable[[str], Path]) -> Iterator[Emulator]:
    with Emulator(sealed("tabular")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def image(sealed: Callable[[str], Path]) -> Iterator[Emulator]:
    with Emulator(sealed("image")) as emulator:
        yield emulator


@pytest.mark.parametrize("name", names("text"))
def test_every_text_event_gets_its_status(text: Emulator, name: str) -> None:
    answer = text.invoke(event(name))
    assert not answer.failed
    assert status(name, answer.payload) == EXPECTED[name]["status"]


@pytest.mark.parametrize("name", names("tabular"))
def test_every_tabular_event_gets_its_status(tabular: Emulator, name: str) -> None:
    answer = tabular.invoke(event(name))
    assert not answer.failed
    assert status(name, answer.payload) == EXPECTED[name]["status"]


@pytest.mark.parametrize("name", names("image"))
def test_every_event_of_a_picture_gets_its_status(image: Emulator, name: str) -> None:
    answer = image.invoke(event(name))
    assert not answer.failed
    assert status(name, answer.payload) == EXPECTED[name]["status"]


def test_what_a_user_sent_is_in_no_log(text: Emulator) -> None:
    secret = "kumquat-4711"
    good = text.invoke({"inputs": secret})
    refused = text.invoke({"inputs": [secret, {secret: secret}]})
    assert "predictions" in good.payload
    assert secret not in good.log + refused.log


def test_a_tampered_bundle_is_not_served_and_the_log_names_file_and_hash(tmp_path: Path) -> None:
    manifest = bundles.text_bundle(tmp_path)
    model = tmp_path / contract.MODEL
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    with Emulator(tmp_path) as emulator:
        answer = emulator.invoke({"inputs": "good"})
    assert answer.payload["status"] == 503
    assert contract.MODEL in answer.log
    assert manifest.files[contract.MODEL] in answer.log
    assert contract.MODEL not in str(answer.payload)


def test_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path)
    with Emulator(tmp_path) as emulator:
        emulator.invoke({"inputs": "good"})
        assert len(_processes_of(tmp_path)) == 2  # the emulator and the function
    deadline = time.monotonic() + 5
    while _processes_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _processes_of(tmp_path) == []


def _processes_of(bundle: Path) -> list[str]:
    """Process ids of everything that was started to serve `bundle`."""
    wanted = f"BUNDLE_DIR={bundle.resolve()}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            continue  # it ended, or is somebody else's
    return found
