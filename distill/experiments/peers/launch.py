"""Runs a peer's program in the peers' environment, one at a time on one thread; its answers are kept by content."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rich.text import Text

from distill import cache
from distill.errors import PeerError
from distill.experiments.peers import exchange
from distill.experiments.peers.exchange import Answers, ExchangeError, Questions
from distill.progress import console, say
from handler.bundle.contract import sha256_of

ROOT = Path(__file__).parents[3]
ENVIRONMENT = ROOT / ".venv-peers"
_STAGE = "peer/1"
_KEPT_LINES = 50
_THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "RAYON")


@dataclass(frozen=True)
class Peer:
    """A program in this package, and which encoders of the task its answers depend on."""

    name: str  # of its subfolder in the exchange folder
    module: str
    reads: tuple[str, ...] = ()  # of "encoder" and "fitted"


PEERS: Mapping[str, Peer] = MappingProxyType(
    {
        name: Peer(name, f"distill.peers.{name}_peer", reads)
        for name, reads in {
            "tfidf": (),
            "fasttext": (),
            "fasttext_quantised": (),
            "model2vec": ("encoder", "fitted"),
            "model2vec_quantised": ("encoder", "fitted"),
            "minilm_int8": ("fitted",),
        }.items()
    }
)


def run(peer: Peer, folder: Path, environment: Path = ENVIRONMENT, root: Path = ROOT) -> Answers:
    """The peer's answers to the questions that lie in `folder`.

    `environment`: a virtual environment with the peers' libraries. `root`: the checkout that holds this package.

    Raises:
        PeerError: the questions are not all there, the environment is missing, or the program failed.
    """
    try:
        questions = exchange.read_questions(folder)
    except ExchangeError as error:
        raise PeerError(f"The peer {peer.name} cannot be asked. {error}") from None
    kept = cache.root() / "peers" / _key(peer, folder, questions, root)
    found = cache.stored(kept / exchange.ANSWERS, lambda file: _read(file.parent, questions))
    if found is not None:
        return found
    python = environment / "bin" / "python"
    if not python.exists():
        raise PeerError(f"The peers' environment, {environment.name}, is not there. Make it: `make .venv-peers`.")
    arguments = ["-P", "-m", "distill.experiments.peers.lifeline", peer.module, str(folder.resolve())]
    _follow([str(python), *arguments], peer, folder, root)
    try:
        answers = _read(folder / peer.name, questions)
    except ExchangeError as error:
        raise PeerError(f"The peer {peer.name} ended well, but its answers are wrong. {error}") from None
    _keep(answers, kept)
    return answers


def _key(peer: Peer, folder: Path, questions: Questions, root: Path) -> str:
    """What the answers depend on: questions, programs, libraries, and the encoders' content wherever they lie."""
    task = json.loads((folder / exchange.TASK).read_text()) | {"encoder": None, "fitted": None}
    rows = [sha256_of(folder / name) for name in exchange.ROWS]
    program = [
        path for path in (root / "distill" / "experiments" / "peers").iterdir() if path.suffix in (".py", ".txt")
    ]
    parts = [task, rows, _content(path for path in program if path.name != Path(__file__).name)]
    for name in peer.reads:
        place: Path | None = getattr(questions.task, name)
        parts.append(None if place is None else _content(path for path in place.rglob("*") if path.is_file()))
    if "fitted" in peer.reads and questions.head is not None:
        parts.append(cache.digest(questions.head.weight.tobytes() + questions.head.bias.tobytes()))
    return cache.key(_STAGE, peer.name, *parts)


def _content(files: Iterable[Path]) -> list[str]:
    return sorted(f"{file.name} {sha256_of(file)}" for file in files)


def _read(folder: Path, questions: Questions) -> Answers:
    answers = exchange.read_answers(folder)
    exchange.check(answers, questions)
    return answers


def _keep(answers: Answers, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=kept.parent) as temporary:
        made = Path(temporary) / "made"
        exchange.write_answers(made, answers)
        shutil.rmtree(kept, ignore_errors=True)  # torn, or it would have been read
        made.rename(kept)


def _follow(command: list[str], peer: Peer, folder: Path, root: Path) -> None:
    """Run the program to its end, showing its progress.

    Raises:
        PeerError: it ended with another status than 0. The message has the last line that it said.
    """
    said: collections.deque[str] = collections.deque(["nothing"], maxlen=_KEPT_LINES)
    with (
        console.status(Text(peer.name)) as shown,
        subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(root),
            stdin=subprocess.PIPE,  # its lifeline: it ends when this process no longer holds the other end
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the other
        ) as child,
    ):
        try:
            for line in child.stderr or ():
                text = line.strip()
                if text.startswith(exchange.PROGRESS):
                    text = f"{peer.name}: {text.removeprefix(exchange.PROGRESS)}"
                    shown.update(Text(text))
                    if not console.is_terminal:
                        say(f"  {text}")
                elif text:
                    said.append(text)
            status = child.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
    if status:
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        raise PeerError(
            f"The peer {peer.name} {how}. It said last: {said[-1]}\n"
            "If that is about a library, bring the peers' environment up to date: `make .venv-peers`."
        )


def _environment(root: Path) -> dict[str, str]:
    """This process's own, without what is about its own Python; one thread, no network, no order by chance."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        **{f"{library}_NUM_THREADS": "1" for library in _THREADS},
        "VECLIB_MAXIMUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(root),
    }
