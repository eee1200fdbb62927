"""What cross-fitting leaves: every contender's answers to every labelled row, by models that never saw the row."""

from __future__ import annotations

from dataclasses import dataclass

from distill.data.rows import Rows
from distill.evaluation.contenders import Contender, Floats
from distill.evaluation.novelty_auroc import Novelty


@dataclass(frozen=True)
class CrossFitted:
    """Contenders' probabilities stand in as many blocks of the N rows, [R*N,K], as there are repeats."""

    rows: Rows  # [N]
    repeats: int
    student: Contender
    others: tuple[Contender, ...]  # teacher, hard-label twin, baseline, majority class
    temperatures: Floats  # that each answer's logits were divided by, [R*N,1]
    novelty: Novelty  # of the first fold's student
    words: str  # how the rows were judged
