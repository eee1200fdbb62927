"""`limbeck ablate`: what each ingredient of a recipe gains, all else equal, on the same test rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.special import softmax

from distill.data.rows import Rows
from distill.errors import RecipeError
from distill.evaluation import contenders
from distill.evaluation.contenders import Contender, Floats, Labels
from distill.evaluation.statistics import Bootstrap
from distill.experiments import comparison
from distill.experiments.compare import SEEDS
from distill.graph import calibrate
from distill.modalities import resolve
from distill.modalities.modality import Modality
from distill.pipeline import assess, build_student, model_selection, training_inputs
from distill.progress import say
from distill.recipe.schema import AUTO, STACK, Recipe
from distill.reporting.tables import Table, interval
from distill.training import train

CROSS_FITTED = "cross-fitted labels"
# Section, key, and the value that does without.
_WITHOUT: Mapping[str, tuple[str, str, object]] = {
    "copies of the rows": ("transfer", "augment", 0),
    "like words in copies": ("transfer", "replace", 0.0),
    "slips in copies": ("transfer", "misspell", 0.0),
    "a public list of words": ("transfer", "words", None),
    CROSS_FITTED: ("transfer", "folds", 1),
    "raters' votes": ("teacher", "vote_weight", 0.0),
    "the mean of several teachers": ("teacher", "runs", 1),
    "letters of unknown words": ("student", "buckets", 1),
    "misspelt words mended": ("student", "misspellings", 0),
    "labels softened by T": ("student", "temperature", 1.0),
    "gold labels beside": ("student", "gold_weight", 0.0),
    "four bits, not eight": ("student", "bits", 8),
}
# What a recipe without it may try, and with what.
_WITH: Mapping[str, object] = {CROSS_FITTED: 2, "labels softened by T": 2.0}
START, TEACHER = "a start from the teacher", "the teacher itself"
NAMES = (TEACHER, *_WITHOUT, START)  # all ingredients
Answer = Callable[[Rows], Floats]
_OF_COPIES = frozenset({"like words in copies", "slips in copies", "a public list of words"})


def run(recipe: Recipe, base: Path, only: tuple[str, ...] = (), seeds: int = SEEDS) -> Table:
    """Teach the recipe's student, and one for each ingredient in which that alone is changed. A row an ingredient.

    `only`: ingredients to try; all where empty. `seeds`: under how many each is taught; they are in the intervals.

    Raises:
        RecipeError: the recipe's student is decided by its results, or there is no such ingredient.
        DistillError: see `distill.errors`.
    """
    if recipe.student.kind == AUTO:
        raise RecipeError('student.kind is "auto". Name a kind: the same student is made with and without.')
    unknown = [name for name in only if name not in NAMES]
    if unknown:
        raise RecipeError(f"There is no ingredient {unknown[0]!r}. There are: {', '.join(NAMES)}.")
    recipe = resolve.resolved(recipe)
    inputs = training_inputs.of(recipe, base)
    test = inputs.rows.test
    trained = model_selection.selected(inputs, recipe)
    config = trained.draft.config
    told: dict[str, object] = {
        "kind": config.kind,
        "gold_weight": config.gold_weight,
        "temperature": config.temperature,
    }
    if trained.draft.alone:  # of a student that goes without its teacher there is nothing to take away: as usual, then
        told |= {"gold_weight": train.GOLD_WEIGHT, "temperature": train.TEMPERATURE}
    recipe = recipe.model_copy(
        update={
            "student": recipe.student.model_copy(update=told),
            "transfer": recipe.transfer.model_copy(update={"augment": inputs.copies}),
        }
    )
    whole = _contender(inputs, "whole", seeds, lambda one: _graph(build_student.make(one, recipe.student, "whole")))
    others = {name: _varied(recipe, inputs, trained, name, base, seeds) for name in only or NAMES}
    samples = Bootstrap(len(test), recipe.evaluation.bootstrap, recipe.seed, seeds=seeds)
    gold, taught = (np.tile(labels, seeds) for labels in (test.labels, inputs.teacher.logits(test).argmax(axis=1)))
    rows = []
    for name, other in others.items():
        if other is not None:
            used = _used(recipe, name)
            pair = (whole, other) if used else (other, whole)
            rows.append((f"{name}{'' if used else ' (not used)'}", *_cells(*pair, gold, taught, samples)))
    accuracy = interval(samples.share("accuracy", whole.labels == gold))
    title = f"{len(test):,} test rows, {seeds} seeds; the recipe as it is: accuracy {accuracy}"
    headings = (
        "",
        "with",
        "without",
        "difference",
        "difference of log loss",
        "agreement with the teacher",
        "with slips",
    )
    return Table(title, headings, tuple(rows))


def _cells(with_it: Contender, without: Contender, gold: Labels, taught: Labels, samples: Bootstrap) -> tuple[str, ...]:
    """Accuracy with and without, the difference, that of log loss, of agreement with the teacher, and with slips."""

    def gain(first: Labels, second: Labels, wanted: Labels) -> str:
        return interval(samples.mean("gain", (first == wanted).astype(np.float64) - (second == wanted)), "+")

    pair = contenders.paired(with_it, without, gold, samples)
    slips = ""
    if with_it.perturbed is not None and without.perturbed is not None:
        slips = gain(with_it.perturbed.argmax(axis=1), without.perturbed.argmax(axis=1), gold)
    return (
        *(f"{(one.labels == gold).mean():.3f}" for one in (with_it, without)),
        interval(pair.difference, "+"),
        interval(pair.log_loss_difference, "+"),
        gain(with_it.labels, without.labels, taught),
        slips,
    )


def _varied(
    recipe: Recipe,
    inputs: training_inputs.TrainingInputs,
    trained: build_student.TrainedStudent,
    name: str,
    base: Path,
    seeds: int,
) -> Contender | None:
    """A student of which one ingredient is changed; None where the recipe has no use for it."""
    if not _applies(recipe, inputs.modality, name):
        return None
    used = _used(recipe, name)
    if not used and name not in _WITH:
        return None
    say(f"  {'without' if used else 'with'} {name}")
    if name == TEACHER:

        def alone(one: training_inputs.TrainingInputs) -> Answer:
            twin = build_student.twin(one, trained.draft)
            return lambda rows: assess.twin(one, twin, rows).probabilities

        return _contender(inputs, name, seeds, alone)
    if name == START:
        return _contender(
            inputs,
            name,
            seeds,
            lambda one: _graph(build_student.make(one, recipe.student, f"without {name}", inherits=False)),
        )
    section, key, off = _WITHOUT[name]
    changed = getattr(recipe, section).model_copy(update={key: off if used else _WITH[name]})
    other = recipe.model_copy(update={section: changed})
    # A student's own settings change nothing of what it is taught from.
    varied = inputs if section == "student" else training_inputs.of(other, base)
    return _contender(
        varied, name, seeds, lambda one: _graph(build_student.make(one, other.student, f"without {name}"))
    )


def _graph(trained: build_student.TrainedStudent) -> Answer:
    return lambda rows: softmax(
        calibrate.run(trained.small, rows, trained.student.modality.feeds)[0] / trained.calibrated.temperature, axis=1
    )


def _contender(
    inputs: training_inputs.TrainingInputs,
    name: str,
    seeds: int,
    make: Callable[[training_inputs.TrainingInputs], Answer],
) -> Contender:
    """Students, one a seed, by their answers to the test rows, and to those rows with slips in a tenth of the words."""
    test, slips = inputs.rows.test, comparison.perturbed(inputs)
    answers = [make(replace(inputs, seed=inputs.seed + i)) for i in range(seeds)]
    return comparison.joined(
        [Contender(name, "student", "", answer(test), None if slips is None else answer(slips)) for answer in answers]
    )


def _applies(recipe: Recipe, modality: Modality, name: str) -> bool:
    """Whether the recipe could have the ingredient."""
    if name == START:
        return modality.students[str(recipe.student.kind)].start is not None
    if name in _OF_COPIES and not recipe.transfer.augment:
        return False
    if name == CROSS_FITTED and recipe.teacher.kind == STACK:  # without, its members could not be weighed
        return False
    return name == TEACHER or ".".join(_WITHOUT[name][:2]) not in modality.unused


def _used(recipe: Recipe, name: str) -> bool:
    """Whether the recipe has the ingredient."""
    if name in (TEACHER, START):
        return True
    section, key, off = _WITHOUT[name]
    return bool(getattr(getattr(recipe, section), key) != off)
