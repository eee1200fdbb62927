"""The kinds of teacher, by the word in a recipe. A kind's libraries are imported when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from distill.data.rows import Dataset
from distill.recipe.schema import Teacher as Config
from distill.teachers.teacher import Unfitted

# The teacher's section, rows, the seed, and the folder where relative paths start.
Prepare: TypeAlias = Callable[[Config, Dataset, int, Path], Unfitted]


def _encoder(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    from distill.teachers import encoder

    return encoder.prepare(config, dataset, seed, base)


def _boosted_trees(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    from distill.teachers import boosted_trees

    return boosted_trees.prepare(config, dataset, seed, base)


def _precomputed(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    from distill.teachers import precomputed

    return precomputed.prepare(config, dataset, seed, base)


TEACHERS: Mapping[str, Prepare] = MappingProxyType(
    {"encoder": _encoder, "boosted_trees": _boosted_trees, "precomputed": _precomputed}
)
