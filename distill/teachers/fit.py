"""From a recipe's teacher section and training rows to a fitted teacher, kept by content hash."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from distill import cache
from distill.data.keys import families_fill_folds, fold_of
from distill.data.rows import Dataset, Rows
from distill.errors import RecipeError
from distill.progress import say, waiting
from distill.recipe.schema import STACK
from distill.recipe.schema import Teacher as Config
from distill.teachers import scikit_learn, stack, workload
from distill.teachers.register import TEACHERS
from distill.teachers.teacher import Model, Teacher, Unfitted

_STAGE = "teacher"
_LONG_SECONDS = 60.0


def fit(config: Config, dataset: Dataset, folds: int, seed: int, base: Path) -> Teacher:
    """Fit the teacher on the labelled training rows, and once more without each fold.

    `base`: the recipe's folder, where a relative `teacher.model` is looked for first.

    Raises:
        RecipeError: there is no such kind of teacher.
        FetchError: an encoder's weights cannot be had.
        DataError: a precomputed teacher says nothing about test rows.
    """
    if config.kind == STACK:
        return _stack(config, dataset, folds, seed, base)
    if config.kind is None or config.kind not in TEACHERS:
        raise RecipeError(f"teacher.kind is {config.kind!r}, wanted one of {', '.join((*TEACHERS, STACK))}.")
    unfitted = TEACHERS[config.kind](config, dataset, seed, base)
    _announce([unfitted], dataset)
    return _fitted(config, unfitted, dataset, folds, seed)


def _fitted(config: Config, unfitted: Unfitted, dataset: Dataset, folds: int, seed: int) -> Teacher:
    """The teacher of all training rows, and its twins that each leave a fold out."""
    settings = json.loads(config.model_dump_json(exclude={"model", "sha256", "runs", "members"}))
    parts = [settings, dataset.fingerprint, cache.code(__name__), *unfitted.identity, dict(unfitted.versions), seed]
    train = dataset.train.take(dataset.train.labelled)

    def folder_of(part: str) -> Path:
        # The full model is the same whether or not folds are made beside it.
        return cache.root() / "teachers" / cache.key(_STAGE, *parts, part)

    def one(rows: Rows, part: str) -> Model:
        called = name if part == scikit_learn.FULL else f"{name}, {part}"
        with waiting(called):
            return unfitted.fit(rows, part, folder_of, called)

    name = f"teacher {config.kind}"
    full = one(train, scikit_learn.FULL)
    by_row = not families_fill_folds(train, folds)
    places = fold_of(train, folds, by_row)
    apart = folds if folds > 1 and unfitted.file else 0
    return Teacher(
        id=cache.key(_STAGE, *parts, config.runs, folds),
        description=unfitted.description,
        licence=unfitted.licence,
        weights_sha256=unfitted.weights_sha256,
        versions=unfitted.versions,
        kilobytes=unfitted.file(folder_of(scikit_learn.FULL)).stat().st_size / 1000 if unfitted.file else None,
        full=full,
        folds=tuple(one(train.take(places != i), f"fold {i + 1} of {folds}") for i in range(apart)),
        by_row=by_row,
    )


def _stack(config: Config, dataset: Dataset, folds: int, seed: int, base: Path) -> Teacher:
    """Fit the members and weigh them on the training rows, each of which was left out of the fold that answers it."""
    members = [(one, TEACHERS[str(one.kind)](one, dataset, seed, base)) for one in _members(config)]
    short = [pair for pair in members if not pair[1].too_long]
    if 0 < len(short) < len(members):
        say("\n".join(f"  {unfitted.too_long}" for _, unfitted in members if unfitted.too_long))
        members = short
    _announce([unfitted for _, unfitted in members], dataset)
    crew = [_fitted(one, unfitted, dataset, folds, seed) for one, unfitted in members]
    train, held = dataset.train.take(dataset.train.labelled), dataset.validation
    found = stack.weigh(crew, train)
    weights = dict(zip((member.id for member in found.members), found.weights, strict=True))
    for member in crew:
        loss = scikit_learn.log_loss(stack.pooled([member.logits(held)], [1.0]), held.labels)
        weight = f"weight {weights[member.id]:.2f}" if member.id in weights else "adds nothing, and is left out"
        say(f"  {member.description}: log loss on validation rows {loss:.3f}, {weight}")
    full = stack.StackModel(found.members, found.weights)
    say(f"  the stack of them: log loss on validation rows {scikit_learn.log_loss(full.logits(held), held.labels):.3f}")
    parts = ", ".join(f"{weights[member.id]:.2f} {member.description}" for member in found.members)
    # A member that is left out of the answers may still give a student its words and layers: it stays part of what the
    # stack is, for caches and for licences.
    pinned = [member.weights_sha256 for member in crew if member.weights_sha256]
    sizes = [member.kilobytes for member in found.members if member.kilobytes is not None]
    return Teacher(
        id=cache.key("stack", cache.code(__name__), weights, [member.id for member in crew], folds),
        description=f"a stack: {parts}",
        licence="; ".join(dict.fromkeys(member.licence for member in crew)),
        weights_sha256=pinned[0] if pinned else None,
        versions={name: version for member in crew for name, version in member.versions.items()},
        kilobytes=sum(sizes),
        full=full,
        folds=tuple(stack.StackModel(found.members, found.weights, fold) for fold in range(folds)),
        by_row=crew[0].by_row,
        members=tuple(crew),
    )


def _announce(members: Sequence[Unfitted], dataset: Dataset) -> None:
    """Say what will take long, before it does."""
    seconds = sum(one.seconds for one in members)
    if seconds >= _LONG_SECONDS:
        parts = "; ".join(f"{one.description} {workload.in_words(one.seconds)}" for one in members if one.seconds >= 10)
        say(f"  {workload.size_of(dataset)}: about {workload.in_words(seconds)} on an idle core ({parts})")


def _members(config: Config) -> list[Config]:
    """The section of each member; where an encoder is tuned, the frozen one stands beside it."""
    found = [config.model_copy(update={"kind": kind, "members": None}) for kind in config.members or ()]
    frozen = {"mode": "frozen", "train_layers": None, "runs": 1}
    beside = [one.model_copy(update=frozen) for one in found if one.kind == "encoder" and one.mode == "finetune"]
    return [*found, *beside]
