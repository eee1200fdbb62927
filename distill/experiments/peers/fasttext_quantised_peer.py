"""fastText with its matrix product-quantised and the least features cut off (arXiv:1612.03651), as a .ftz file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distill.experiments.peers import contest
from distill.experiments.peers.contest import Model, Peer, Setting
from distill.experiments.peers.exchange import Questions, Task
from distill.experiments.peers.fasttext_peer import lines_of, shipped, train

# `cutoff` is how many features stay, and 0 all of them; the others are fastText's arguments in training.
_SETTINGS: tuple[Setting, ...] = (
    {"dim": 50, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.2, "epoch": 10, "minCount": 1, "cutoff": 0},
    {"dim": 50, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.5, "epoch": 25, "minCount": 1, "cutoff": 30_000},
    {"dim": 50, "wordNgrams": 1, "minn": 3, "maxn": 6, "lr": 0.1, "epoch": 10, "minCount": 1, "cutoff": 30_000},
    {"dim": 50, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.2, "epoch": 10, "minCount": 1, "cutoff": 100_000},
    {"dim": 16, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.2, "epoch": 10, "minCount": 1, "cutoff": 0},
    {"dim": 50, "wordNgrams": 1, "minn": 3, "maxn": 6, "lr": 0.1, "epoch": 10, "minCount": 1, "cutoff": 10_000},
    {"dim": 100, "wordNgrams": 2, "minn": 3, "maxn": 6, "lr": 0.1, "epoch": 25, "minCount": 1, "cutoff": 100_000},
    {"dim": 50, "wordNgrams": 2, "minn": 0, "maxn": 0, "lr": 0.5, "epoch": 5, "minCount": 1, "cutoff": 50_000},
)


def settings(task: Task) -> Sequence[Setting]:
    """The same for every task."""
    return _SETTINGS


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Train with one setting, quantise, train again what is left, and load what was saved."""
    trained = {name: value for name, value in setting.items() if name != "cutoff"}
    lines = lines_of(questions, work)
    model = train(questions, trained, lines)
    cutoff = setting["cutoff"]
    model.quantize(input=str(lines), qnorm=True, retrain=bool(cutoff), cutoff=cutoff, thread=1, verbose=0)
    path = work / "model.ftz"
    model.save_model(str(path))
    return shipped(path, "fastText, product-quantised", len(questions.task.labels))


if __name__ == "__main__":
    contest.main(Peer("fasttext_quantised", ("fasttext", "numpy"), settings, fit))
