"""The ladder: students from the smallest to the largest, each of settings that were found good for its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from distill.errors import RecipeError
from distill.recipe.schema import Recipe, Student

_SMALL_WORDS = {"vocabulary": 12_000, "buckets": 2048, "misspellings": 49_152, "embedding": 64, "bits": 4}
# The rest of a student's section is the recipe's: what it reads of a text, how it is taught, for how long.
_RUNGS: Mapping[str, Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {
        "text": {
            "static-32": {
                "kind": "static", "width": 64, "vocabulary": 8000, "buckets": 1024, "misspellings": 32_768,
                "embedding": 32, "bits": 4,
            },
            "static-64": {"kind": "static", "width": 128} | _SMALL_WORDS,
            "conv-128": {"kind": "conv", "width": 128} | _SMALL_WORDS,
            "gru-96": {"kind": "gru", "width": 96} | _SMALL_WORDS | {"vocabulary": 10_000},
            "gru-192": {"kind": "gru", "width": 192} | _SMALL_WORDS | {"vocabulary": 10_000},
            "mini-1": {
                "kind": "mini", "layers": 1, "vocabulary": 8000, "buckets": 2048, "misspellings": 65_536,
                "embedding": 128, "bits": 4,
            },
            "mini-2": {
                "kind": "mini", "layers": 2, "vocabulary": 16_000, "buckets": 4096, "misspellings": 131_072, "bits": 4,
            },
        },
        "tabular": {
            "mlp-16": {"kind": "mlp", "width": 16},
            "mlp-128": {"kind": "mlp", "width": 128},
            "embedded-128": {"kind": "embedded", "width": 128},
            "embedded-256": {"kind": "embedded", "width": 256, "layers": 2},
        },
    }
)  # fmt: skip
# One of each kind: enough to compare with others.
_COMPARED = ("static-64", "conv-128", "gru-192", "mini-2", "mlp-128", "embedded-128")
# What a recipe says of these it says of its own kind of student.
_OF_ONE_KIND = frozenset({"kind", "width", "embedding", "layers", "vocabulary", "buckets", "misspellings", "bits"})
_PACE = frozenset({"learning_rate", "batch_size", "dropout", "precision"})


@dataclass(frozen=True)
class Rung:
    """A student of the ladder, for one recipe."""

    name: str
    student: Student


def rungs(recipe: Recipe, task: str) -> tuple[Rung, ...]:
    """The ladder for the recipe's rows, from the smallest on. `mini` is left out where no encoder teaches."""
    kept = {key: getattr(recipe.student, key) for key in recipe.student.model_fields_set - _OF_ONE_KIND - _PACE}
    return tuple(
        Rung(name, Student(**{**kept, **settings}))  # type: ignore[arg-type]
        for name, settings in _RUNGS[task].items()
        if settings["kind"] != "mini" or recipe.teacher.kind == "encoder"
    )


def chosen(recipe: Recipe, task: str, names: Sequence[str]) -> tuple[Rung, ...]:
    """The rungs of these names; one of each kind where there are none.

    Raises:
        RecipeError: the ladder has no such rung.
    """
    found = {rung.name: rung for rung in rungs(recipe, task)}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise RecipeError(f"The ladder for this recipe has no student {unknown[0]!r}. It has: {', '.join(found)}.")
    return tuple(rung for name, rung in found.items() if name in (names or _COMPARED))
