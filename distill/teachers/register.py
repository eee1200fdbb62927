"""The kinds of teacher, by the word in a recipe. Which of them teach a kind of input, its modality says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from distill.data.rows import Dataset
from distill.recipe.schema import Teacher as Config
from distill.teachers import boosted_trees, encoder, precomputed
from distill.teachers.teacher import Unfitted

# From the recipe's teacher section, the rows, the seed and the folder where relative paths start.
TEACHERS: Mapping[str, Callable[[Config, Dataset, int, Path], Unfitted]] = MappingProxyType(
    {
        "encoder": encoder.prepare,
        "boosted_trees": boosted_trees.prepare,
        "precomputed": precomputed.prepare,
    }
)
