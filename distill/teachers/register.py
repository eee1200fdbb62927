"""The kinds of teacher, by the word in a recipe. Which of them teach a kind of input, its modality says.

A stack, which is made of some of these, is put together in `distill.teachers.fit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from distill.data.rows import Dataset
from distill.recipe.schema import Teacher as Config
from distill.teachers import boosted_trees, encoder, extra_trees, histograms, linear, precomputed, vision
from distill.teachers.teacher import Unfitted

# From the recipe's teacher section, the rows, the seed and the folder where relative paths start.
TEACHERS: Mapping[str, Callable[[Config, Dataset, int, Path], Unfitted]] = MappingProxyType(
    {
        "encoder": encoder.prepare,
        "tfidf": linear.of_texts,
        "boosted_trees": boosted_trees.prepare,
        "extra_trees": extra_trees.prepare,
        "linear": linear.of_columns,
        "vision": vision.prepare,
        "histograms": histograms.prepare,
        "precomputed": precomputed.prepare,
    }
)
