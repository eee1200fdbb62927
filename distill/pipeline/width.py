"""Whether a graph that reads so many columns can keep the gates at all: asked before anything is trained.

Every column is an input of its own: to hand over and scale a row of 1,500 takes milliseconds, whatever the student.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import onnxruntime as ort

from distill.data.rows import Dataset
from distill.errors import GateError
from distill.modalities.modality import Modality
from distill.modalities.prelude import Prelude
from distill.pipeline import build_student
from distill.recipe.schema import AUTO, Gates, Recipe, Student
from distill.training import train
from handler.model.predictor import session_options

_WIDE = 100  # columns, under which no limit that anybody sets is near
_CALLS = 20


def check(recipe: Recipe, modality: Modality, rows: Dataset) -> None:
    """Refuse columns whose reading alone breaks a gate, by its limit in the recipe.

    The prelude is fitted, and the student has its shape: both are lower bounds of what the sealed graph will take.

    Raises:
        GateError: with the gates, what is known, and what to do.
    """
    if len(rows.inputs) < _WIDE:
        return
    section = _smallest(recipe, modality)
    prelude = modality.fit_prelude(section, rows, None, (), None)
    network = train.fresh(section, modality, prelude, len(rows.labels), recipe.seed, None)
    kilobytes = build_student.stored(network, prelude, section.bits) / 1000
    lacks = list(_lacks(recipe.gates, kilobytes, _milliseconds(prelude, rows)))
    if lacks:
        raise GateError(
            f"{len(rows.inputs):,} columns are too many for a gate, so nothing is trained:\n"
            + "\n".join(f"  {line}" for line in lacks)
            + "\nName the columns that matter in data.columns, or raise the limit in [gates]."
        )


def _lacks(limits: Gates, kilobytes: float, milliseconds: float) -> Iterator[str]:
    if kilobytes > limits.max_kilobytes:
        yield f"max_kilobytes: at least {kilobytes:,.0f} KB, the limit is {limits.max_kilobytes:g} KB"
    if milliseconds > limits.max_latency_ms:
        yield f"max_latency_ms: at least {milliseconds:.3g} ms a row, the limit is {limits.max_latency_ms:g} ms"


def _smallest(recipe: Recipe, modality: Modality) -> Student:
    """The student's section with a kind: the one it names, or the smallest that it may come to."""
    if recipe.student.kind == AUTO:
        return recipe.student.model_copy(update=dict(next(iter(modality.candidates.values()))))
    named = recipe.student.kind in modality.students
    return recipe.student if named else recipe.student.model_copy(update={"kind": modality.usual[0]})


def _milliseconds(prelude: Prelude, rows: Dataset) -> float:
    """The shortest time in which one row was read: a busy machine makes others longer."""
    model = prelude.model.SerializeToString()
    session = ort.InferenceSession(model, sess_options=session_options(), providers=["CPUExecutionProvider"])
    one = rows.train.take(np.array([0])).columns
    taken = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        session.run(None, {column.name: one[column.name] for column in rows.inputs})
        taken.append(time.perf_counter() - began)
    return min(taken) * 1000
