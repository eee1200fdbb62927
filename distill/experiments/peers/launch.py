"""Runs a peer's program in the peers' environment, one at a time on one thread; its answers are kept by content."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.text import Text

from distill import cache
from distill.errors import PeerError
from distill.experiments.peers import exchange
from distill.progress import console, say
from handler.bundle.contract import sha256_of

ROOT = Path(__file__).parents[3]
ENVIRONMENT = ROOT / ".venv-peers"
FOLDER = Path("distill") / "experiments" / "peers"
_STAGE = "peer/2"
_THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "RAYON")

_ENCODERS = ("encoder", "fitted", "head_weight", "head_bias")  # of the questions
TEXTS, COLUMNS = "texts", "columns"


@dataclass(frozen=True)
class Peer:
    """A maker of classifiers: a program in this folder, which encoders it reads, and what its rows are."""

    name: str
    program: str
    reads: tuple[str, ...] = ()
    rows: str = TEXTS  # or COLUMNS


PEERS = (
    Peer("tfidf", "tfidf_peer"),
    Peer("fasttext", "fasttext_peer"),
    Peer("fasttext_quantised", "fasttext_peer"),
    Peer("model2vec", "model2vec_peer", ("encoder", "fitted")),
    Peer("model2vec_quantised", "model2vec_peer", ("encoder", "fitted")),
    Peer("minilm_int8", "minilm_int8_peer", ("fitted", "head_weight", "head_bias")),
    Peer("lightgbm", "lightgbm_peer", rows=COLUMNS),
    Peer("catboost", "catboost_peer", rows=COLUMNS),
)


def require(environment: Path = ENVIRONMENT) -> Path:
    """The Python of the peers' environment.

    Raises:
        PeerError: it is missing.
    """
    python = environment / "bin" / "python"
    if not python.exists():
        raise PeerError(f"The peers' environment, {environment.name}, is not there. Make it: `make .venv-peers`.")
    return python


def run(
    peer: Peer, questions: exchange.Questions, environment: Path = ENVIRONMENT, root: Path = ROOT
) -> exchange.Answers:
    """The peer's answers to questions.

    `environment`: a virtual environment with the peers' libraries. `root`: the checkout that holds this package.

    Raises:
        PeerError: the environment is missing, or the program failed.
    """
    unread: dict[str, Any] = {part: None for part in _ENCODERS if part not in peer.reads}
    questions = replace(questions, **unread)
    kept = cache.root() / "peers" / f"{_key(peer, questions, root)}.npz"
    found = cache.stored(kept, lambda path: exchange.read_answers(path, questions))
    if found is not None:
        return found
    python = require(environment)
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "questions.json", Path(folder) / "answers.npz"
        exchange.write_questions(asked, questions)
        module = ".".join((*FOLDER.parts, peer.program))
        _follow([str(python), "-P", "-m", module, peer.name, str(asked), str(answered)], peer.name, folder, root)
        try:
            found = exchange.read_answers(answered, questions)
        except exchange.ExchangeError as error:
            raise PeerError(f"The peer {peer.name} ended well, but its answers are wrong. {error}") from None
        with cache.replacing(kept) as temporary:
            shutil.copyfile(answered, temporary)
    return found


def _key(peer: Peer, questions: exchange.Questions, root: Path) -> str:
    """What the answers depend on: questions, programs, libraries, and the encoders' content wherever they lie."""
    here = Path(__file__).name  # what launches the programs changes nothing of what they answer
    programs = [path for path in (root / FOLDER).iterdir() if path.suffix in (".py", ".txt") and path.name != here]
    folders = [programs, *(Path(place).rglob("*") for place in (questions.encoder, questions.fitted) if place)]
    contents = [sorted((path.name, sha256_of(path)) for path in folder if path.is_file()) for folder in folders]
    return cache.key(_STAGE, peer.name, asdict(questions) | {"encoder": None, "fitted": None}, contents)


def _follow(command: Sequence[str], name: str, folder: str, root: Path) -> None:
    """Run the program to its end, showing its progress.

    Raises:
        PeerError: it ended with another status than 0. The message has the last line that it said.
    """
    last = "nothing"
    with (
        console.status(Text(name)) as shown,
        subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(root),
            stdin=subprocess.DEVNULL,
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
                    text = f"{name}: {text.removeprefix(exchange.PROGRESS)}"
                    shown.update(Text(text))
                    if not console.is_terminal:
                        say(f"  {text}")
                elif text:
                    last = text
            status = child.wait()
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)  # whatever it started, too
            raise
    if status:
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        raise PeerError(
            f"The peer {name} {how}. It said last: {last}\n"
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
