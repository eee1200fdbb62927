"""Who is compared: each with its answers on the same test rows, and on those rows with some of their words misspelt."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from distill import cache
from distill.data.rows import Dataset, Rows
from distill.evaluation import baseline, evaluate
from distill.modalities.text import typos
from distill.packaging import bundle
from distill.pipeline.build_student import Made
from distill.pipeline.training_inputs import Lesson
from distill.runtime import batched
from distill.training import train
from distill.training.train import Student

MISSPELT = 0.1  # share of a row's words of four letters or more
TIMED_ROWS = 1000
_TIMED_TEACHER_ROWS = 60

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Entrant:
    """One contender. Probabilities are float [N,K]."""

    name: str
    role: str  # "teacher", "student", "twin" or "peer"
    description: str
    test: Floats
    misspelt: Floats | None = None
    kilobytes: float | None = None  # of what one must ship, in units of 1000 bytes
    timings: npt.NDArray[np.float64] | None = None  # microseconds a call of one row, one thread, from the raw input
    of: str | None = None  # a twin: the student's name


def misspelt(rows: Rows, seed: int) -> Rows | None:
    """The rows [N] with slips in a tenth of their words; None for columns."""
    if set(rows.columns) != {"text"}:
        return None
    texts = typos.texts(rows.columns["text"].tolist(), MISSPELT, seed)
    keys = [cache.digest(str(text).encode()) for text in texts.tolist()]
    return Rows(columns={"text": texts}, labels=rows.labels, keys=np.array(keys, dtype=object))


def teacher(lesson: Lesson) -> Entrant:
    """The fitted teacher; one thread as well."""
    test, found = lesson.rows.test, lesson.teacher
    slips = misspelt(test, lesson.recipe.seed)
    timings = None
    if found.kilobytes is not None:
        rows = min(_TIMED_TEACHER_ROWS, len(test))
        with evaluate.single_thread():
            timings = evaluate.timed(lambda place: found.full.call_one(test, place), rows, "timing the teacher")
    return Entrant(
        name="teacher",
        role="teacher",
        description=found.description,
        test=softmax(found.logits(test), axis=1),
        misspelt=None if slips is None else softmax(found.logits(slips), axis=1),
        kilobytes=found.kilobytes,
        timings=timings,
    )


def student(lesson: Lesson, name: str, made: Made) -> Entrant:
    """A student as it ships: the predictor on its staged bundle."""
    with tempfile.TemporaryDirectory() as folder:
        staged = bundle.stage(made.calibrated, lesson.rows, lesson.recipe.serving, lesson.recipe.name, Path(folder))
        predictor, kilobytes = staged.predictor(), staged.kilobytes

    def answers(rows: Rows) -> Floats:
        return batched.run(predictor.run, {column.name: rows.columns[column.name] for column in lesson.rows.inputs})[0]

    test = lesson.rows.test
    slips = misspelt(test, lesson.recipe.seed)
    count = min(TIMED_ROWS, len(test))
    singles = [{key: column[i : i + 1] for key, column in _read(lesson.rows).items()} for i in range(count)]
    return Entrant(
        name=name,
        role="student",
        description=made.description,
        test=answers(test),
        misspelt=None if slips is None else answers(slips),
        kilobytes=kilobytes,
        timings=evaluate.timed(lambda place: predictor.run(singles[place]), count, f"timing {name}"),
    )


def twin(lesson: Lesson, name: str, taught_by_labels: Student) -> Entrant:
    """A student's hard-label twin, before it is exported: its accuracy alone is of interest."""
    return Entrant(
        name=f"{name}, hard labels",
        role="twin",
        description="the same network without a teacher: gold labels alone",
        test=softmax(train.logits(taught_by_labels, lesson.rows.test), axis=1),
        of=name,
    )


def plain(lesson: Lesson) -> Entrant:
    """The baseline of every bundle: one-hot or TF-IDF with logistic regression."""
    rows, found = lesson.rows, baseline.fit(lesson.modality.baseline, lesson.rows, lesson.recipe.seed)
    slips = misspelt(rows.test, lesson.recipe.seed)
    count = min(200, len(rows.test))
    with evaluate.single_thread():
        timings = evaluate.timed(lambda place: found.call_one(rows.test, place), count, "timing the baseline")
    return Entrant(
        name="baseline",
        role="peer",
        description=found.description,
        test=found.probabilities(rows.test),
        misspelt=None if slips is None else found.probabilities(slips),
        kilobytes=found.kilobytes(),
        timings=timings,
    )


def _read(rows: Dataset) -> Mapping[str, npt.NDArray[np.generic]]:
    return {column.name: rows.test.columns[column.name] for column in rows.inputs}
