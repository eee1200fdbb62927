"""What a student's weights start from: something of its teacher's, or nothing."""

from __future__ import annotations

from typing import TypeAlias

from distill import cache
from distill.modalities.modality import Floats
from distill.teachers.layer_transfer import FirstLayers

# Word vectors [V,H], a teacher's first layers, or nothing.
Start: TypeAlias = Floats | FirstLayers | None


def digest(start: Start) -> str:
    """A name for the content."""
    if start is None:
        return "nothing"
    if isinstance(start, FirstLayers):
        weights = {name: cache.digest(values.tobytes()) for name, values in start.weights.items()}
        return cache.key("first layers", start.heads, start.epsilon, weights)
    return cache.digest(start.tobytes())
