"""Columns as the peers for tables read them, and their graph; those peers' programs import this.

A number stays a number, a hole is NaN. What a word becomes differs: a code, or a column of its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime

from distill.experiments.peers.exchange import Floats, Model, Questions, Row, kilobytes

_MIN_ROWS = 3  # of a word to have a code; the others share one
_MOST_WORDS = 60  # a column
_GAP = 1e-4  # of a probability, between a graph and the library that it was exported from


class Classifier(Protocol):
    """What the libraries' fitted models have in common."""

    classes_: Sequence[int]

    def predict_proba(self, table: Floats) -> Floats:
        """Probabilities [N, classes_]."""


@dataclass(frozen=True)
class Columns:
    """What training rows hold: of each column None if it holds numbers, or the codes of its words."""

    codes: tuple[Mapping[str, int] | None, ...]
    hot: bool  # whether each word has a column, instead of each column of words a code

    @property
    def coded(self) -> list[int]:
        """The places of the columns of codes."""
        return [] if self.hot else [place for place, codes in enumerate(self.codes) if codes is not None]

    def vector(self, row: Row) -> list[float]:
        """One row as numbers, as many for every row."""
        found: list[float] = []
        for cell, codes in zip(row, self.codes, strict=True):
            if codes is None:
                found.append(np.nan if cell is None else cell)
                continue
            code = codes.get(cell, len(codes))
            if self.hot:
                found += [float(code == place) for place in range(len(codes))]
            else:
                found.append(float(code))
        return found

    def table(self, rows: Sequence[Row]) -> Floats:
        """Rows as numbers [N,F]."""
        return np.array([self.vector(row) for row in rows], np.float32)

    def kilobytes(self) -> float:
        """What the codes take, as JSON, in units of 1000 bytes."""
        return len(json.dumps(self.codes).encode()) / 1000


def fitted(questions: Questions, hot: bool) -> Columns:
    """The columns of training rows. Of words, the most frequent come first."""
    assert questions.numbers is not None, "the rows are texts"
    codes: list[Mapping[str, int] | None] = []
    for place, is_number in enumerate(questions.numbers):
        counts = Counter(row[place] for row in questions.train).most_common(_MOST_WORDS)
        words = [word for word, count in counts if count >= _MIN_ROWS]
        codes.append(None if is_number else {word: code for code, word in enumerate(words)})
    return Columns(tuple(codes), hot)


def graph(path: Path) -> Callable[[Floats], Floats]:
    """An ONNX model on one thread: numbers [N,F] -> the probabilities [N,K] that it ends with."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    [given], last = session.get_inputs(), session.get_outputs()[-1].name

    def run(table: Floats) -> Floats:
        found = session.run([last], {given.name: table})[0]
        if isinstance(found, list):  # a map a row, as CatBoost writes it
            found = [[row[label] for label in sorted(row)] for row in found]
        probabilities: Floats = np.asarray(found, np.float32)
        return probabilities

    return run


def shipped(
    name: str,
    questions: Questions,
    found: Columns,
    model: Classifier,
    path: Path,
    native: Path,
    save: Callable[[], object],
) -> Model:
    """The exported graph at `path` as one ships it; the library's own model where the graph answers otherwise.

    `save`: writes the library's own file, `native`.
    """
    labels, held = [int(label) for label in model.classes_], found.table(questions.validation)
    run, description = graph(path), f"{name}, ONNX"
    if np.abs(run(held) - model.predict_proba(held)).max() > _GAP:
        save()
        path, run, description = native, model.predict_proba, f"{name}, as ONNX answers otherwise"
    return Model(
        description=description,
        kilobytes=kilobytes(path) + found.kilobytes(),
        answer=lambda rows: spread(run(found.table(rows)), labels, questions.classes),
        call=lambda row: run(found.table([row])),
    )


def spread(found: Floats, labels: Sequence[int], classes: int) -> Floats:
    """Probabilities of the classes that training rows have, sorted `labels`, as of all `classes` [N,K]."""
    result = np.zeros((len(found), classes), np.float32)
    result[:, list(labels)] = found
    result /= result.sum(axis=1, keepdims=True)
    return result
