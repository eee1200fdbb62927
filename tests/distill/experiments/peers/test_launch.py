from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from distill import cache
from distill.errors import PeerError
from distill.experiments.peers import exchange, launch
from distill.experiments.peers.launch import Peer
from tests.distill.experiments.peers import asked

FAKE = Peer("fake", "fake_peer", ("encoder",))
PROGRAM = """
import ctypes, os, sys, time
from pathlib import Path
import numpy as np
from distill.experiments.peers import exchange
from distill.experiments.peers.exchange import Model

def fit(questions, setting, work):
    Path({mark!r}).touch()
    {fit}
    return Model(os.environ["OMP_NUM_THREADS"], 1.0, lambda texts: np.full((len(texts), 2), {value}, np.float32), len)

exchange.main({{"fake": [{{"a": 1}}, {{"a": 2}}, {{"a": 3}}]}}, ("numpy",), fit)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a peer of its own."""
    root = tmp_path / "root"
    shutil.copytree(launch.ROOT / launch.FOLDER, root / launch.FOLDER, ignore=shutil.ignore_patterns("__pycache__"))
    for package in (Path("distill"), Path("distill/experiments")):
        shutil.copy(launch.ROOT / package / "__init__.py", root / package)
    python = tmp_path / "environment" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "model.safetensors").write_text("weights")
    write(root)
    return root


def write(root: Path, fit: str = "pass", value: float = 0.5) -> None:
    program = PROGRAM.format(fit=fit, value=value, mark=str(root.parent / "started"))
    (root / launch.FOLDER / "fake_peer.py").write_text(program)


def run(root: Path, **changes: object) -> exchange.Answers:
    questions = asked.questions(**{"encoder": root.parent / "encoder"} | changes)
    return launch.run(FAKE, questions, root.parent / "environment", root)


def started(root: Path) -> bool:
    """Whether the program was started since this was asked last."""
    mark = root.parent / "started"
    found = mark.exists()
    mark.unlink(missing_ok=True)
    return found


@pytest.mark.usefixtures("empty_cache")
def test_a_peer_answers_within_its_budget_and_on_one_thread(root: Path) -> None:
    answers = run(root)
    assert answers.about["description"] == "1"
    assert answers.about["settings"] == [{"a": 1}, {"a": 2}]
    assert answers.about["chosen"] == 0
    assert answers.about["versions"] == {"python": sys.version.split()[0], "numpy": np.__version__}
    assert answers.test.shape == (40, 2)
    assert answers.timings.shape == (20,)


@pytest.mark.usefixtures("empty_cache")
def test_progress_is_shown_and_the_rest_of_what_it_says_is_not(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(root, fit="sys.stderr.write('a warning\\n'); sys.stdout.write('a line\\n')")
    run(root)
    shown = capfd.readouterr()
    assert "fake: setting 2 of 2: validation accuracy 0." in shown.err
    assert "warning" not in shown.err
    assert shown.out == ""


@pytest.mark.usefixtures("empty_cache")
def test_the_same_questions_are_asked_once(root: Path) -> None:
    first = run(root)
    assert started(root)
    second = run(root)
    assert not started(root)
    np.testing.assert_array_equal(first.timings, second.timings)
    assert second.about == first.about


@pytest.mark.usefixtures("empty_cache")
def test_another_program_other_rows_or_another_encoder_are_asked_anew(root: Path) -> None:
    run(root)
    assert started(root)
    write(root, fit="a = 1")
    run(root)
    assert started(root)
    (root.parent / "encoder" / "model.safetensors").write_text("other weights")
    run(root)
    assert started(root)
    run(root, train=41)
    assert started(root)


@pytest.mark.usefixtures("empty_cache")
def test_the_same_encoder_in_another_folder_is_the_same(root: Path) -> None:
    run(root)
    assert started(root)
    (root.parent / "encoder").rename(root.parent / "moved")
    run(root, encoder=root.parent / "moved")
    assert not started(root)


@pytest.mark.usefixtures("empty_cache")
def test_an_encoder_that_the_peer_does_not_read_is_not_given_to_it(root: Path) -> None:
    run(root)
    assert started(root)
    run(root, fitted=root.parent)
    assert not started(root)


def test_torn_answers_in_the_cache_are_asked_for_again(root: Path, empty_cache: Path) -> None:
    run(root)
    assert started(root)
    next((cache.root() / "peers").glob("*.npz")).write_bytes(b"PK")
    run(root)
    assert started(root)
    run(root)
    assert not started(root)
    assert [path.name for path in (empty_cache / "peers").iterdir() if path.name.startswith(".")] == []


@pytest.mark.usefixtures("empty_cache")
def test_a_missing_environment_says_how_to_make_it(root: Path) -> None:
    with pytest.raises(PeerError, match=r"environment, nowhere, is not there. Make it: `make .venv-peers`"):
        launch.run(FAKE, asked.questions(), root.parent / "nowhere", root)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (
            "raise RuntimeError('no such thing')",
            "fake ended with status 1. It said last: RuntimeError: no such thing\n",
        ),
        ("import nonesuch", "ModuleNotFoundError: No module named 'nonesuch'\n.*make .venv-peers"),
        ("exchange.tell('busy'); sys.exit(3)", "fake ended with status 3. It said last: nothing"),
        ("os.kill(os.getpid(), 9)", "fake was ended by SIGKILL"),
    ],
)
def test_a_peer_that_fails_is_told_with_its_last_line(root: Path, empty_cache: Path, fit: str, message: str) -> None:
    write(root, fit=fit)
    with pytest.raises(PeerError, match=f"(?s)The peer .*{message}"):
        run(root)
    assert not (empty_cache / "peers").exists()


@pytest.mark.usefixtures("empty_cache")
def test_wrong_answers_are_refused(root: Path) -> None:
    write(root, value=0.7)
    with pytest.raises(PeerError, match="fake ended well, but its answers are wrong. The probabilities are not all"):
        run(root)


@pytest.mark.usefixtures("empty_cache")
def test_a_program_that_writes_no_answers_is_told(root: Path) -> None:
    (root / launch.FOLDER / "fake_peer.py").write_text("")
    with pytest.raises(PeerError, match="fake ended well, but its answers are wrong. It wrote none."):
        run(root)


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize(
    ("number", "sleep"),
    [
        (signal.SIGKILL, "time.sleep"),
        (signal.SIGTERM, "time.sleep"),
        (signal.SIGINT, "time.sleep"),
        pytest.param(
            signal.SIGKILL,
            "ctypes.PyDLL(None).sleep",  # keeps the interpreter locked, as fastText does where it quantises
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child whose threads are held"),
        ),
    ],
)
def test_a_peer_ends_with_the_one_that_asked_it(root: Path, number: signal.Signals, sleep: str) -> None:
    fifo = root.parent / "alive"
    os.mkfifo(fifo)
    write(root, fit=f"held = open({str(fifo)!r}, 'w'); held.write('x'); held.flush(); {sleep}(600)")
    folder = root.parent
    places = ", ".join(f"Path({str(place)!r})" for place in (folder / "environment", root))
    imports = "from pathlib import Path; from distill.experiments.peers.launch import Peer, run"
    code = f"{imports}; from tests.distill.experiments.peers import asked; run({FAKE}, asked.questions(), {places})"
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(launch.ROOT)},
        stderr=subprocess.DEVNULL,
        # A shell's background job ignores the interruption, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        with fifo.open("rb", buffering=0) as alive:
            assert alive.read(1) == b"x"
            parent.send_signal(number)
            assert select.select([alive], [], [], 30)[0], "the peer lives on"
            assert alive.read(1) == b""  # nobody holds the other end
        assert parent.wait(30) != 0
    finally:
        parent.kill()
