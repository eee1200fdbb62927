"""Questions to peers, made up by the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from distill.experiments.peers.exchange import Questions
from tests.distill import made


def labelled(count: int, seed: int) -> tuple[list[str], list[int]]:
    rows = made.opinions(count, seed)
    return rows.columns["text"].tolist(), rows.labels.tolist()


def questions(
    train: int = 40,
    settings: int = 2,
    odd: tuple[str, ...] = (),
    encoder: Path = Path("none"),
    fitted: Path | None = None,
) -> Questions:
    """Whether a text says "good" more often than "bad"; the test rows end with `odd` texts."""
    random = np.random.default_rng(0)
    texts, labels = labelled(train, 0)
    held, held_labels = labelled(60, 1)
    return Questions(
        classes=2,
        seed=3,
        settings=settings,
        timed_rows=20,
        max_tokens=24,
        train=texts,
        train_labels=labels,
        validation=held,
        validation_labels=held_labels,
        test=[*labelled(40, 2)[0], *odd],
        encoder=str(encoder),
        fitted=None if fitted is None else str(fitted),
        head_weight=None if fitted is None else random.normal(size=(2, 32)).tolist(),
        head_bias=None if fitted is None else random.normal(size=2).tolist(),
    )
