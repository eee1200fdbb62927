"""Questions to peers, made up by the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from distill.experiments.peers.exchange import Head, Labelled, Questions, Task
from tests.distill import made


def labelled(count: int, seed: int) -> Labelled:
    rows = made.opinions(count, seed)
    return Labelled(tuple(rows.columns["text"].tolist()), tuple(rows.labels.tolist()))


def questions(
    train: int = 40,
    settings: int = 2,
    odd: tuple[str, ...] = (),
    encoder: Path = Path("none"),
    fitted: Path | None = None,
) -> Questions:
    """Whether a text says "good" more often than "bad"; the test rows end with `odd` texts."""
    random = np.random.default_rng(0)
    head = Head(random.normal(size=(2, 32)).astype(np.float32), random.normal(size=2).astype(np.float32))
    task = Task(made.LABELS, 3, settings, encoder, fitted, timed_rows=20, max_tokens=24)
    test = (*labelled(40, 2).texts, *odd)
    return Questions(task, labelled(train, 0), labelled(60, 1), test, None if fitted is None else head)
