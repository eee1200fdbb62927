"""What the project and a peer's program exchange; both sides import this module and no other of the project.

A program is called with the peer's name, `questions.json` to read and an `.npz` file to write. Test rows go over
without their labels: what a peer chooses, it chooses on validation rows.
"""

from __future__ import annotations

import ctypes
import json
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

PROGRESS = "progress: "  # begins a line on a peer's standard error that is meant for the person at the terminal
_SUM_TOLERANCE = 1e-3
_WARM_UP_CALLS = 5
_PR_SET_PDEATHSIG = 1

Floats = np.typing.NDArray[np.float32]
Setting = Mapping[str, Any]  # a peer's own names and JSON values
Row = Any  # a text; or, of columns, a list of their cells: a number, None for a hole, or a word


class ExchangeError(Exception):
    """What the other side wrote cannot be used."""


@dataclass(frozen=True)
class Questions:
    """All that a peer gets. A label is the place of a class among `classes`."""

    classes: int
    seed: int
    settings: int  # how many settings a peer may try
    timed_rows: int
    max_tokens: int  # what the fitted encoder reads of a text
    train: Sequence[Row]
    train_labels: Sequence[int]
    validation: Sequence[Row]
    validation_labels: Sequence[int]
    test: Sequence[Row]
    numbers: Sequence[bool] | None = None  # of each column, whether it holds numbers and not words; None of texts
    encoder: str | None = None  # a folder in the layout of the transformers library
    fitted: str | None = None  # the same encoder fine-tuned on the training rows, with its tokenizer
    # The fitted encoder's linear head: logits = masked mean of its last states [N,H] @ weight.T [H,K] + bias [K].
    head_weight: Sequence[Sequence[float]] | None = None
    head_bias: Sequence[float] | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """All that a peer gives back."""

    test: Floats  # probabilities [N,K]
    timings: np.typing.NDArray[np.float64]  # microseconds a call of one test row [T]
    about: Mapping[str, Any]  # description, kilobytes, settings, validation_accuracies, chosen, versions


@dataclass(frozen=True)
class Model:
    """A fitted peer, loaded from the files that one would ship."""

    description: str
    kilobytes: float
    answer: Callable[[Sequence[Row]], np.typing.NDArray[np.floating]]  # rows -> probabilities [N,K]
    call: Callable[[Row], object]  # one row -> its probabilities, the way the library gives them: this is timed


Fit = Callable[[Questions, Setting, Path], Model]  # may write into the folder; its parent lasts for all settings


def write_questions(path: Path, questions: Questions) -> None:
    """Write all that a peer gets."""
    path.write_text(json.dumps(asdict(questions)))


def read_answers(path: Path, questions: Questions) -> Answers:
    """What a peer wrote.

    Raises:
        ExchangeError: it does not fit the questions, or there is none.
    """
    if not path.is_file():
        raise ExchangeError("It wrote none.")
    with np.load(path, allow_pickle=False) as file:
        found = Answers(file["test"], file["timings"], json.loads(str(file["about"])))
    wanted = (len(questions.test), questions.classes)
    if found.test.shape != wanted:
        raise ExchangeError(f"The probabilities have the shape {found.test.shape}, wanted {wanted}.")
    sums = found.test.sum(axis=1)
    if not ((found.test >= 0).all() and (np.abs(sums - 1) < _SUM_TOLERANCE).all()):  # not a number is neither
        raise ExchangeError("The probabilities are not all between 0 and 1 with sum 1 in every row.")
    if found.timings.shape != (calls := min(questions.timed_rows, len(questions.test)),):
        raise ExchangeError(f"The timings have the shape {found.timings.shape}, wanted {(calls,)}.")
    return found


def main(settings: Mapping[str, Sequence[Setting]], libraries: Sequence[str], fit: Fit) -> None:
    """The whole program: try settings, keep the one that is best on validation rows, answer, be timed.

    `settings`: by the peer's name, in the order in which they are tried. `libraries`: distributions that the answers
    depend on.
    """
    _end_with_parent()
    name, asked, out = sys.argv[1:]
    questions = Questions(**json.loads(Path(asked).read_text()))
    possible = [one for one in settings[name] if questions.fitted or one.get("encoder") != "fitted"]
    tried = possible[: questions.settings]
    accuracies: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for place, setting in enumerate(tried):
            tell(f"setting {place + 1} of {len(tried)}")
            work = Path(folder) / str(place)
            work.mkdir()
            model = fit(questions, setting, work)
            right = model.answer(questions.validation).argmax(axis=1) == np.array(questions.validation_labels)
            if not accuracies or right.mean() > max(accuracies):
                best, chosen = model, place
            accuracies.append(float(right.mean()))
            tell(f"setting {place + 1} of {len(tried)}: validation accuracy {accuracies[-1]:.3f}")
        tell(f"{len(questions.test)} test rows")
        about = {
            "description": best.description,
            "kilobytes": round(best.kilobytes, 1),
            "settings": [dict(setting) for setting in tried],
            "validation_accuracies": accuracies,
            "chosen": chosen,
            "versions": {"python": platform.python_version()} | {library: version(library) for library in libraries},
        }
        timings = _timings(best.call, questions.test[: questions.timed_rows])
        np.savez(
            out, test=np.asarray(best.answer(questions.test), np.float32), timings=timings, about=json.dumps(about)
        )


def tell(text: str) -> None:
    """One line for the person at the terminal, through the program that started this one."""
    sys.stderr.write(f"{PROGRESS}{text}\n")
    sys.stderr.flush()


def kilobytes(*files: Path) -> float:
    """The size of files, in units of 1000 bytes."""
    return sum(file.stat().st_size for file in files) / 1000


def _timings(call: Callable[[Row], object], rows: Sequence[Row]) -> np.typing.NDArray[np.float64]:
    """Microseconds a call. The garbage collector stays on, as in a server."""
    durations = []
    for row in (*rows[:_WARM_UP_CALLS], *rows):  # the first few do not count
        began = time.perf_counter_ns()
        call(row)
        durations.append((time.perf_counter_ns() - began) / 1000)
    return np.array(durations[-len(rows) :])


def _end_with_parent() -> None:
    """Linux ends this process when the one that started it ends, however that ends (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
