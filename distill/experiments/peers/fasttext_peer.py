"""fastText, supervised: a bag of words, pairs of words and pieces of words (Joulin et al. 2016, arXiv:1607.01759)."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fasttext
import numpy as np

from distill.experiments.peers import contest
from distill.experiments.peers.contest import Model, Peer, Setting
from distill.experiments.peers.exchange import Floats, Questions, Task

# Names are fastText's own. Each setting has pairs or pieces of words, and so buckets: see `_zeroed_matrices`.
_SETTINGS: tuple[Setting, ...] = (
    {"dim": 50, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.2, "epoch": 10, "minCount": 1},
    {"dim": 50, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.5, "epoch": 25, "minCount": 1},
    {"dim": 50, "wordNgrams": 1, "minn": 3, "maxn": 6, "lr": 0.1, "epoch": 10, "minCount": 1},
    {"dim": 50, "wordNgrams": 2, "minn": 0, "maxn": 0, "lr": 0.5, "epoch": 5, "minCount": 1},
    {"dim": 16, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.2, "epoch": 10, "minCount": 1},
    {"dim": 100, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.1, "epoch": 25, "minCount": 1},
    {"dim": 50, "wordNgrams": 3, "minn": 3, "maxn": 6, "lr": 0.3, "epoch": 10, "minCount": 1},
    {"dim": 50, "wordNgrams": 2, "minn": 2, "maxn": 5, "lr": 0.1, "epoch": 25, "minCount": 1},
    {"dim": 50, "wordNgrams": 2, "minn": 4, "maxn": 6, "lr": 0.2, "epoch": 10, "minCount": 2},
    {"dim": 100, "wordNgrams": 2, "minn": 0, "maxn": 0, "lr": 0.5, "epoch": 25, "minCount": 1},
)
_BUCKETS = 200_000  # fastText's own 2,000,000 are no better on rows of this number, and ten times as large
_LABEL = "__LABEL__"  # in capitals, which no normalised text holds
_MARKS = re.compile(r"([.!?,'/()])")  # those that fastText's tutorial sets apart
_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES = -3, 1 << 20


def settings(task: Task) -> Sequence[Setting]:
    """The same for every task."""
    return _SETTINGS


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Train with one setting and load what was saved."""
    path = work / "model.bin"
    train(questions, setting, lines_of(questions, work)).save_model(str(path))
    return shipped(path, "fastText", len(questions.task.labels))


def lines_of(questions: Questions, work: Path) -> Path:
    """The training rows in a file of the form that fastText reads."""
    path = work / "train.txt"
    rows = zip(questions.train.texts, questions.train.labels, strict=True)
    path.write_text("".join(f"{_LABEL}{label} {normalised(text)}\n" for text, label in rows), encoding="utf-8")
    return path


def train(questions: Questions, setting: Setting, lines: Path) -> Any:  # noqa: ANN401 - the library has no types
    """A fastText model; one thread, because several make another model each time."""
    _zeroed_matrices()
    return fasttext.train_supervised(
        input=str(lines),
        **setting,
        loss="softmax",
        bucket=_BUCKETS,
        label=_LABEL,
        seed=questions.task.seed,
        thread=1,
        verbose=0,
    )


def shipped(path: Path, description: str, classes: int) -> Model:
    """The model that is saved in `path`."""
    model = fasttext.load_model(str(path))
    # The wrapper's own predict() asks numpy for an array without a copy, which numpy 2 refuses.
    predict = model.f.predict

    def call(text: str) -> list[tuple[float, str]]:
        found: list[tuple[float, str]] = predict(normalised(text) + "\n", -1, 0.0, "strict")
        return found

    def answer(texts: Sequence[str]) -> Floats:
        result = np.full((len(texts), classes), 1 / classes, np.float32)
        for row, text in enumerate(texts):
            for probability, label in call(text):
                result[row, int(label.removeprefix(_LABEL))] = probability
        return result / result.sum(axis=1, keepdims=True)  # fastText adds 1e-5 to each

    return Model(description, contest.kilobytes(path), answer, call)


def normalised(text: str) -> str:
    """Lower case, marks set apart, on one line."""
    return " ".join(_MARKS.sub(r" \1 ", text.lower()).split())


def _zeroed_matrices() -> None:
    """Have large blocks of memory come from the system, which zeroes them.

    fastText 0.9.3 fills a tenth of its matrix a thread with random numbers (`DenseMatrix::uniformThread`), and leaves
    the rest as the memory was: with one thread and memory used before, every training ends elsewhere, or in "NaN".
    Zeros there make models as good as those of ten threads.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # the GNU library's; others do so of themselves
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)


if __name__ == "__main__":
    contest.main(Peer("fasttext", ("fasttext", "numpy"), settings, fit))
