"""What every peer's program does: try settings, keep the one that is best on validation rows, answer, be timed."""

from __future__ import annotations

import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.experiments.peers import exchange
from distill.experiments.peers.exchange import Answers, ExchangeError, Floats, Questions, Task, Trial

_WARM_UP_CALLS = 5

Setting = Mapping[str, Any]  # a peer's own names and JSON values


@dataclass(frozen=True)
class Model:
    """A fitted peer, loaded from the files that one would ship."""

    description: str
    kilobytes: float
    answer: Callable[[Sequence[str]], Floats]  # texts -> probabilities [N,K]
    call: Callable[[str], object]  # one text -> its probabilities, the way the library gives them: this is timed


@dataclass(frozen=True)
class Peer:
    """A maker of classifiers. Its name is that of its subfolder."""

    name: str
    libraries: tuple[str, ...]  # distributions whose versions the answers depend on
    settings: Callable[[Task], Sequence[Setting]]  # in the order in which they are tried
    fit: Callable[[Questions, Setting, Path], Model]  # may write into the folder; its parent lasts for all settings


def main(peer: Peer) -> None:
    """The whole program: `python -m distill.peers.<module> FOLDER`."""
    if len(sys.argv) != 2:
        sys.exit(f"{peer.name} wants one argument, the exchange folder; found {len(sys.argv) - 1}.")
    try:
        compete(peer, Path(sys.argv[1]))
    except ExchangeError as error:
        sys.exit(str(error))


def compete(peer: Peer, folder: Path) -> None:
    """Read the questions in `folder` and write the peer's answers into its subfolder."""
    questions = exchange.read_questions(folder)
    own = folder / peer.name
    shutil.rmtree(own, ignore_errors=True)
    best: tuple[Model, Floats] | None = None
    trials: list[Trial] = []
    chosen, seconds = 0, 0.0
    settings = list(peer.settings(questions.task))[: questions.task.settings]
    for place, setting in enumerate(settings):
        tell(f"setting {place + 1} of {len(settings)}")
        work = own / "work" / str(place)
        work.mkdir(parents=True)
        began = time.perf_counter()
        model = peer.fit(questions, setting, work)
        seconds += time.perf_counter() - began
        held = model.answer(questions.validation.texts)
        accuracy = float((held.argmax(axis=1) == np.array(questions.validation.labels)).mean())
        tell(f"setting {place + 1} of {len(settings)}: validation accuracy {accuracy:.3f}")
        trials.append(Trial(dict(setting), accuracy))
        if best is None or accuracy > trials[chosen].validation_accuracy:
            best, chosen = (model, held), place
    if best is None:
        raise ExchangeError(f"The task lets {peer.name} try {questions.task.settings} settings, wanted at least 1.")
    model, held = best
    tell(f"{len(questions.test)} test rows")
    answers = Answers(
        description=model.description,
        kilobytes=round(model.kilobytes, 1),
        settings=tuple(trials),
        chosen=chosen,
        versions={"python": platform.python_version()} | {name: version(name) for name in peer.libraries},
        seconds=round(seconds, 1),
        test=model.answer(questions.test),
        validation=held,
        timings=_timings(model.call, questions.test[: questions.task.timed_rows]),
    )
    exchange.check(answers, questions)
    exchange.write_answers(own, answers)
    shutil.rmtree(own / "work")


def tell(text: str) -> None:
    """One line for the person at the terminal, through the program that started this one."""
    sys.stderr.write(f"{exchange.PROGRESS}{text}\n")
    sys.stderr.flush()


def kilobytes(*files: Path) -> float:
    """The size of files, in units of 1000 bytes."""
    return sum(file.stat().st_size for file in files) / 1000


def _timings(call: Callable[[str], object], texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Microseconds a call. The garbage collector stays on, as in a server."""
    for text in texts[:_WARM_UP_CALLS]:
        call(text)
    durations = np.empty(len(texts))
    for place, text in enumerate(texts):
        began = time.perf_counter_ns()
        call(text)
        durations[place] = (time.perf_counter_ns() - began) / 1000
    return durations
