"""What a student's weights start from: something of its teacher's, or nothing."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from distill import cache
from distill.modalities.prelude import Prelude
from distill.recipe.schema import Student
from distill.teachers.layer_transfer import FirstLayers
from distill.teachers.teacher import Model, Teacher

MINI_LAYERS = 2

# Word vectors [len(prelude.words), H], a teacher's first layers, or nothing.
Start: TypeAlias = npt.NDArray[np.float32] | FirstLayers | None


def taught(config: Student, teacher: Teacher, prelude: Prelude) -> Start:
    """Of the fitted teacher: its vectors for the words, or for `mini` its first layers.

    Raises:
        RecipeError: the teacher has no layers that `mini` could start from.
    """
    if config.kind == "mini":
        return _layers(config, teacher.full, prelude, tuned=True)
    return teacher.word_vectors(prelude.words) if prelude.words else None


def untaught(config: Student, teacher: Teacher, prelude: Prelude) -> Start:
    """Of a hard-label twin: nothing that the teacher learnt of the task, so for `mini` the encoder as it was before.

    A fine-tuned teacher's word vectors would be its word on the task, too.
    """
    return _layers(config, teacher.full, prelude, tuned=False) if config.kind == "mini" else None


def digest(start: Start) -> str:
    """A name for the content."""
    if start is None:
        return "nothing"
    if isinstance(start, FirstLayers):
        weights = {name: cache.digest(values.tobytes()) for name, values in start.weights.items()}
        return cache.key("first layers", start.heads, start.epsilon, weights)
    return cache.digest(start.tobytes())


def _layers(config: Student, model: Model, prelude: Prelude, tuned: bool) -> FirstLayers | None:
    return model.first_layers(config.layers or MINI_LAYERS, prelude.words, config.max_tokens, tuned)
