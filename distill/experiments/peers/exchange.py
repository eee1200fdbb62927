"""The files that the project and a peer's program exchange; both sides import this module and no other.

In the folder, written by the project:    task.json  train.jsonl  validation.jsonl  test.jsonl  [head.npz]
In a subfolder of it, by the peer:        answers.json  test.npy  validation.npy  timings.npy

Test rows go over without their labels: what a peer chooses, it chooses on validation rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

PROGRESS = "progress: "  # begins a line on a peer's standard error that is meant for the person at the terminal
TASK, ANSWERS = "task.json", "answers.json"
ROWS = ("train.jsonl", "validation.jsonl", "test.jsonl")
HEAD = "head.npz"  # float32: weight [K,H], bias [K]
_SUM_TOLERANCE = 1e-3

Floats = npt.NDArray[np.float32]


class ExchangeError(Exception):
    """What lies in the folder is not what the other side was to write."""


@dataclass(frozen=True)
class Task:
    """What a peer is to do, beside the rows."""

    labels: tuple[str, ...]
    seed: int
    settings: int  # how many settings a peer may try
    encoder: Path  # a folder in the layout of the transformers library
    fitted: Path | None = None  # the same encoder fine-tuned on the training rows, with its tokenizer
    timed_rows: int = 1000
    max_tokens: int = 128  # what the fitted encoder reads of a text


@dataclass(frozen=True)
class Labelled:
    """Texts and the place of each one's label among the task's labels."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Head:
    """The fitted encoder's linear head: logits = masked mean of its last states [N,H] @ weight.T [H,K] + bias [K]."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class Questions:
    """All that a peer gets."""

    task: Task
    train: Labelled
    validation: Labelled
    test: tuple[str, ...]
    head: Head | None = None  # of the fitted encoder


@dataclass(frozen=True)
class Trial:
    """One setting that was tried; the names in it are the peer's own."""

    setting: Mapping[str, object]
    validation_accuracy: float


@dataclass(frozen=True, eq=False)
class Answers:
    """All that a peer gives back."""

    description: str
    kilobytes: float  # of what one must ship, model and vocabulary, in units of 1000 bytes
    settings: tuple[Trial, ...]
    chosen: int  # place of the setting that the rest is about
    versions: Mapping[str, str]
    seconds: float  # of training, all settings together
    test: Floats  # probabilities [N,K]
    validation: Floats
    timings: npt.NDArray[np.float64]  # microseconds a call of one test row [T]


def write_questions(folder: Path, questions: Questions) -> None:
    """Write all that a peer gets."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TASK).write_text(json.dumps(asdict(questions.task), indent=1, default=str) + "\n")
    for name, rows in (("train", questions.train), ("validation", questions.validation)):
        pairs = zip(rows.texts, rows.labels, strict=True)
        _write_lines(folder / f"{name}.jsonl", ({"text": text, "label": label} for text, label in pairs))
    _write_lines(folder / "test.jsonl", ({"text": text} for text in questions.test))
    (folder / HEAD).unlink(missing_ok=True)
    if questions.head is not None:
        np.savez(folder / HEAD, weight=questions.head.weight, bias=questions.head.bias)


def read_questions(folder: Path) -> Questions:
    """Read what `write_questions` wrote.

    Raises:
        ExchangeError: a file is missing, or a class has no training row.
    """
    task = json.loads(_existing(folder / TASK).read_text())
    task |= {"labels": tuple(task["labels"]), "encoder": Path(task["encoder"])}
    task |= {"fitted": None if task["fitted"] is None else Path(task["fitted"])}
    train, validation = (_labelled(folder / f"{name}.jsonl") for name in ("train", "validation"))
    missing = sorted(set(range(len(task["labels"]))) - set(train.labels))
    if missing:
        raise ExchangeError(f"No training row has label {missing}. Give every class one, or leave it out of the task.")
    return Questions(
        task=Task(**task),
        train=train,
        validation=validation,
        test=tuple(line["text"] for line in _lines(folder / "test.jsonl")),
        head=Head(**_arrays(folder / HEAD)) if (folder / HEAD).is_file() else None,
    )


def write_answers(folder: Path, answers: Answers) -> None:
    """Write all that a peer gives back into its own subfolder."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"test": np.float32, "validation": np.float32, "timings": np.float64}
    for name, dtype in arrays.items():
        np.save(folder / f"{name}.npy", np.asarray(getattr(answers, name), dtype), allow_pickle=False)
    words = {name: value for name, value in vars(answers).items() if name not in arrays}
    words["settings"] = [vars(trial) for trial in answers.settings]
    (folder / ANSWERS).write_text(json.dumps(words, indent=1) + "\n")


def read_answers(folder: Path) -> Answers:
    """Read what `write_answers` wrote.

    Raises:
        ExchangeError: a file is missing.
    """
    words = json.loads(_existing(folder / ANSWERS).read_text())
    words["settings"] = tuple(Trial(**trial) for trial in words["settings"])
    arrays = {name: _array(folder / f"{name}.npy") for name in ("test", "validation", "timings")}
    return Answers(**words, **arrays)


def check(answers: Answers, questions: Questions) -> None:
    """Refuse answers that do not fit the questions.

    Raises:
        ExchangeError: with what was found and what was wanted.
    """
    task = questions.task
    for name, rows in (("test", questions.test), ("validation", questions.validation.texts)):
        found, wanted = getattr(answers, name), (len(rows), len(task.labels))
        if found.shape != wanted:
            raise ExchangeError(f"The {name} probabilities have the shape {found.shape}, wanted {wanted}.")
        gap = np.abs(found.sum(axis=1) - 1)
        if not (np.isfinite(found).all() and (found >= 0).all() and (gap < _SUM_TOLERANCE).all()):
            raise ExchangeError(f"The {name} probabilities are not all between 0 and 1 with sum 1 in every row.")
    calls = min(task.timed_rows, len(questions.test))
    if answers.timings.shape != (calls,):
        raise ExchangeError(f"The timings have the shape {answers.timings.shape}, wanted {(calls,)}.")
    if not 0 <= answers.chosen < len(answers.settings) <= task.settings:
        raise ExchangeError(
            f"Setting {answers.chosen} of {len(answers.settings)} was chosen, wanted one of at most {task.settings}."
        )


def _labelled(path: Path) -> Labelled:
    lines = _lines(path)
    return Labelled(tuple(line["text"] for line in lines), tuple(line["label"] for line in lines))


def _write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    # Escaped to ASCII: a text may hold marks that some readers take for the end of a line.
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def _lines(path: Path) -> Sequence[Mapping[str, Any]]:
    return [json.loads(line) for line in _existing(path).read_text().split("\n") if line]


def _array(path: Path) -> npt.NDArray[np.floating]:
    found: npt.NDArray[np.floating] = np.load(_existing(path), allow_pickle=False)
    return found


def _arrays(path: Path) -> Mapping[str, Floats]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name].astype(np.float32) for name in ("weight", "bias")}


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ExchangeError(f"There is no {path.name} in the folder {path.parent.name}: the other side wrote none.")
    return path
