"""`python -m distill ablate`: what each ingredient of a recipe gains, all else equal, on the same test rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from distill.data.rows import Rows
from distill.errors import RecipeError
from distill.evaluation import statistics
from distill.evaluation.statistics import Bootstrap
from distill.experiments import contenders
from distill.graph import calibrate
from distill.pipeline import build_student
from distill.pipeline import training_inputs as lessons
from distill.pipeline.build_student import Made
from distill.pipeline.training_inputs import Lesson
from distill.progress import say
from distill.recipe.schema import AUTO, Recipe
from distill.reporting.tables import Sheet, interval
from distill.training import train
from handler.bundle.contract import Metric

Labels: TypeAlias = npt.NDArray[np.int64]  # a class a test row, [N]

# Section, key, and the value that does without.
_WITHOUT: Mapping[str, tuple[str, str, object]] = MappingProxyType(
    {
        "copies of the rows": ("transfer", "augment", 0),
        "like words in copies": ("transfer", "replace", 0.0),
        "slips in copies": ("transfer", "misspell", 0.0),
        "a public list of words": ("transfer", "words", None),
        "cross-fitted labels": ("transfer", "folds", 1),
        "raters' votes": ("teacher", "vote_weight", 0.0),
        "the mean of several teachers": ("teacher", "runs", 1),
        "letters of unknown words": ("student", "buckets", 1),
        "misspelt words mended": ("student", "misspellings", 0),
        "labels softened by T": ("student", "temperature", 1.0),
        "gold labels beside": ("student", "gold_weight", 0.0),
        "four bits, not eight": ("student", "bits", 8),
    }
)
# What a recipe without it may try, and with what.
_WITH: Mapping[str, object] = MappingProxyType({"cross-fitted labels": 2})
START, TEACHER = "a start from the teacher", "the teacher itself"
_OF_COPIES = frozenset({"like words in copies", "slips in copies", "a public list of words"})
_OF_TEXTS = _OF_COPIES | {START, "letters of unknown words", "misspelt words mended"}


@dataclass(frozen=True)
class Answers:
    """What one student says of the test rows, and of those rows with slips in a tenth of their words; None: columns."""

    test: Labels
    misspelt: Labels | None


@dataclass(frozen=True)
class Effect:
    """A student with an ingredient and one without, on the same test rows."""

    ingredient: str
    used: bool  # by the recipe
    with_it: Metric  # accuracy
    without_it: Metric
    difference: Metric  # with - without
    mcnemar_p: float
    agreement: Metric  # difference of how often they say what the recipe's teacher says
    misspelt: Metric | None  # the difference of accuracy on the same rows with slips in them


@dataclass(frozen=True)
class Ablation:
    """The effects, and the accuracy of the recipe as it is."""

    effects: tuple[Effect, ...]
    whole: Metric
    test_rows: int


def names() -> tuple[str, ...]:
    """All ingredients."""
    return (TEACHER, *_WITHOUT, START)


def run(recipe: Recipe, base: Path, only: tuple[str, ...] = ()) -> Ablation:
    """Teach the recipe's student, and one for each ingredient in which that alone is changed.

    `only`: ingredients to try; all where empty.

    Raises:
        RecipeError: the recipe's student is decided by its results, or there is no such ingredient.
        DistillError: see `distill.errors`.
    """
    if recipe.student.kind == AUTO:
        raise RecipeError('student.kind is "auto". Name a kind: the same student is made with and without.')
    unknown = [name for name in only if name not in names()]
    if unknown:
        raise RecipeError(f"There is no ingredient {unknown[0]!r}. There are: {', '.join(names())}.")
    lesson = lessons.prepare(recipe, base)
    made = build_student.make(lesson, lesson.recipe.student, "whole")
    whole = _answers(lesson, made)
    others: dict[str, Answers] = {}
    for name in only or names():
        answers = _varied(lesson, made, name, base)
        if answers is not None:
            others[name] = answers
    return _judged(lesson, whole, others)


def sheet(found: Ablation) -> Sheet:
    """A row an ingredient."""
    rows = [
        (
            f"{effect.ingredient}{'' if effect.used else ' (not used)'}",
            f"{effect.with_it.value:.3f}",
            f"{effect.without_it.value:.3f}",
            interval(effect.difference, "+"),
            f"{effect.mcnemar_p:.2g}",
            interval(effect.agreement, "+"),
            interval(effect.misspelt, "+") if effect.misspelt else "",
        )
        for effect in found.effects
    ]
    title = f"{found.test_rows:,} test rows; the recipe as it is: accuracy {interval(found.whole)}"
    headings = ("", "with", "without", "difference", "McNemar p", "agreement with the teacher", "with slips")
    return Sheet(title, headings, tuple(rows))


def _varied(lesson: Lesson, made: Made, name: str, base: Path) -> Answers | None:
    """The answers of a student of which one ingredient is changed; None where the recipe has no use for it."""
    if (name in _OF_TEXTS and lesson.rows.task != "text") or (
        name in _OF_COPIES and not lesson.recipe.transfer.augment
    ):
        return None
    if name == TEACHER:
        say(f"  without {name}")
        twin = build_student.twin(lesson, made)
        return _asked(lesson, lambda rows: train.logits(twin, rows))
    if name == START:
        say(f"  without {name}")
        return _answers(lesson, build_student.make(lesson, lesson.recipe.student, f"without {name}", inherits=False))
    section, key, off = _WITHOUT[name]
    part = getattr(lesson.recipe, section)
    used = _used(lesson.recipe, name)
    if not used and name not in _WITH:
        return None
    say(f"  {'without' if used else 'with'} {name}")
    changed = part.model_copy(update={key: off if used else _WITH[name]})
    recipe = lesson.recipe.model_copy(update={section: changed})
    # A student's own settings change nothing of what it is taught from.
    other = replace(lesson, recipe=recipe) if section == "student" else lessons.prepare(recipe, base)
    return _answers(other, build_student.make(other, recipe.student, f"without {name}"))


def _answers(lesson: Lesson, made: Made) -> Answers:
    return _asked(lesson, lambda rows: calibrate.run(made.small, rows)[0])


def _asked(lesson: Lesson, answer: Callable[[Rows], npt.NDArray[np.float32]]) -> Answers:
    slips = contenders.misspelt(lesson.rows.test, lesson.recipe.seed)
    return Answers(answer(lesson.rows.test).argmax(axis=1), None if slips is None else answer(slips).argmax(axis=1))


def _judged(lesson: Lesson, whole: Answers, others: Mapping[str, Answers]) -> Ablation:
    test, recipe = lesson.rows.test, lesson.recipe
    samples = Bootstrap(len(test), recipe.evaluation.bootstrap, recipe.seed)
    says = lesson.teacher.logits(test).argmax(axis=1)

    def gain(first: Labels, second: Labels, wanted: Labels, name: str) -> Metric:
        return samples.mean(name, (first == wanted).astype(np.float64) - (second == wanted))

    effects = []
    for name, answers in others.items():
        used = name in (TEACHER, START) or _used(recipe, name)
        first, second = (whole, answers) if used else (answers, whole)
        a, b = first.test == test.labels, second.test == test.labels
        slips = None
        if first.misspelt is not None and second.misspelt is not None:
            slips = gain(first.misspelt, second.misspelt, test.labels, "difference with slips")
        effects.append(
            Effect(
                ingredient=name,
                used=used,
                with_it=samples.mean("accuracy", a),
                without_it=samples.mean("accuracy", b),
                difference=gain(first.test, second.test, test.labels, "difference"),
                mcnemar_p=statistics.mcnemar(int((a & ~b).sum()), int((b & ~a).sum())),
                agreement=gain(first.test, second.test, says, "agreement"),
                misspelt=slips,
            )
        )
    return Ablation(tuple(effects), samples.mean("accuracy", whole.test == test.labels), len(test))


def _used(recipe: Recipe, name: str) -> bool:
    section, key, off = _WITHOUT[name]
    return bool(getattr(getattr(recipe, section), key) != off)
