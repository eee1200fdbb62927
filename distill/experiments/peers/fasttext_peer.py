"""fastText, supervised: a bag of words, pairs of words and pieces of words (Joulin et al. 2016, arXiv:1607.01759).

Quantised: with its matrix product-quantised and the least features cut off (arXiv:1612.03651), as a .ftz file.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from pathlib import Path

import fasttext
import numpy as np

from distill.experiments.peers.exchange import Floats, Model, Questions, Setting, kilobytes, main

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
# `cutoff` is how many features stay, and 0 all of them.
_QUANTISED: tuple[Setting, ...] = (
    {"dim": 50, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.2, "epoch": 10, "minCount": 1, "cutoff": 0},
    {"dim": 50, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.5, "epoch": 25, "minCount": 1, "cutoff": 30_000},
    {"dim": 50, "wordNgrams": 1, "minn": 3, "maxn": 6, "lr": 0.1, "epoch": 10, "minCount": 1, "cutoff": 30_000},
    {"dim": 50, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.2, "epoch": 10, "minCount": 1, "cutoff": 100_000},
    {"dim": 16, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.2, "epoch": 10, "minCount": 1, "cutoff": 0},
    {"dim": 50, "wordNgrams": 1, "minn": 3, "maxn": 6, "lr": 0.1, "epoch": 10, "minCount": 1, "cutoff": 10_000},
    {"dim": 100, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.1, "epoch": 25, "minCount": 1, "cutoff": 100_000},
    {"dim": 50, "wordNgrams": 2, "minn": 0, "maxn": 0, "lr": 0.5, "epoch": 5, "minCount": 1, "cutoff": 50_000},
)
_BUCKETS = 200_000  # fastText's own 2,000,000 are no better on rows of this number, and ten times as large
_LABEL = "__LABEL__"  # in capitals, which no normalised text holds
_MARKS = re.compile(r"([.!?,'/()])")  # those that fastText's tutorial sets apart
_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES = -3, 1 << 20


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Train with one setting, quantise where it says so and train again what is left, and load what was saved."""
    lines, arguments = work / "train.txt", dict(setting)
    rows = zip(questions.train, questions.train_labels, strict=True)
    lines.write_text("".join(f"{_LABEL}{label} {_normalised(text)}\n" for text, label in rows), encoding="utf-8")
    cutoff = arguments.pop("cutoff", None)
    _zeroed_matrices()
    model = fasttext.train_supervised(
        input=str(lines),
        **arguments,
        loss="softmax",
        bucket=_BUCKETS,
        label=_LABEL,
        seed=questions.seed,
        thread=1,  # several make another model each time
        verbose=0,
    )
    if cutoff is not None:
        model.quantize(input=str(lines), qnorm=True, retrain=bool(cutoff), cutoff=cutoff, thread=1, verbose=0)
    path = work / ("model.bin" if cutoff is None else "model.ftz")
    model.save_model(str(path))
    return _shipped(path, "fastText" if cutoff is None else "fastText, product-quantised", questions.classes)


def _shipped(path: Path, description: str, classes: int) -> Model:
    """The model that is saved in `path`."""
    model = fasttext.load_model(str(path))
    # The wrapper's own predict() asks numpy for an array without a copy, which numpy 2 refuses.
    predict = model.f.predict

    def call(text: str) -> list[tuple[float, str]]:
        found: list[tuple[float, str]] = predict(_normalised(text) + "\n", -1, 0.0, "strict")
        return found

    def answer(texts: Sequence[str]) -> Floats:
        result = np.full((len(texts), classes), 1 / classes, np.float32)
        for row, text in enumerate(texts):
            for probability, label in call(text):
                result[row, int(label.removeprefix(_LABEL))] = probability
        result /= result.sum(axis=1, keepdims=True)  # fastText adds 1e-5 to each
        return result

    return Model(description, kilobytes(path), answer, call)


def _normalised(text: str) -> str:
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
    main({"fasttext": _SETTINGS, "fasttext_quantised": _QUANTISED}, ("fasttext", "numpy"), fit)
