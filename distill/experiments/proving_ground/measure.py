"""What a set and a seed leave: every contender's answers to the test rows, kept by content in a JSON file.

All statistics are made of these files, so that they can be made anew without training anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from distill import cache
from distill.evaluation import statistics
from distill.evaluation.contenders import Contender, Labels
from distill.experiments import peer_answers
from distill.experiments.peers import launch
from distill.experiments.proving_ground.sets import proving_set
from distill.experiments.proving_ground.sets.proving_set import TABLES, TEXTS, ProvingSet
from distill.modalities import register, resolve
from distill.pipeline import assess, cross_fit, model_selection, training_inputs
from distill.recipe.schema import Recipe
from handler.bundle.contract import sha256_of

STUDENT, TEACHER, BASELINE = "student", "teacher", "baseline"
# Of each chapter, whose classifiers are asked; the large encoder in integers is no rival in bytes.
PEERS: Mapping[str, tuple[str, ...]] = {
    TEXTS: ("tfidf", "fasttext", "fasttext_quantised", "model2vec", "model2vec_quantised"),
    TABLES: ("lightgbm", "catboost"),
}
_FORMAT = 1  # of the kept file
_LEAST = 1e-12  # of a probability whose logarithm is taken, as in `contenders.calibration`
_DIGITS = 7


@dataclass(frozen=True, eq=False)
class Answers:
    """All contenders on the same N test rows: teacher, student, its hard-label twin, baseline and peers, by name."""

    gold: Labels  # [N]
    classes: int
    contenders: tuple[Contender, ...]


@dataclass(frozen=True)
class Scores:
    """One contender on the test rows, [N] each."""

    name: str
    role: str
    description: str
    right: tuple[int, ...]  # 0 or 1
    log_likelihood: tuple[float, ...]  # of the gold label, in nats
    confidence: tuple[float, ...]  # the largest probability
    kilobytes: float | None
    microseconds: float | None  # a call of one row, the median, on one thread


@dataclass(frozen=True)
class Measured:
    """One set under one seed."""

    name: str
    chapter: str
    seed: int
    classes: int
    contenders: tuple[Scores, ...]

    @property
    def rows(self) -> int:
        """Of the test rows."""
        return len(self.contenders[0].right)


def answers(recipe: Recipe, base: Path, seed: int, peers: tuple[str, ...], settings: int) -> Answers:
    """Ask everybody the test rows, by the product's own defaults. The only way from here into the pipeline.

    Of few rows all are test rows, each of contenders that never saw it.

    Args:
        recipe: of the set.
        base: where its relative paths start.
        seed: of teacher, student and peers; the split of the rows is the same under every seed.
        peers: names in `launch.PEERS`.
        settings: how many each peer may try.

    Raises:
        DistillError: see `distill.errors`.
    """
    recipe = resolve.resolved(recipe.model_copy(update={"seed": seed}))
    rows = training_inputs.read(recipe, base)

    def ask(inputs: training_inputs.TrainingInputs) -> tuple[Contender, ...]:
        return peer_answers.ask(inputs, recipe.teacher, base, None, settings, peers) if peers else ()

    if cross_fit.repeats(recipe, rows):  # once: the seeds repeat it
        found = cross_fit.judge(recipe, rows, base, 1, ask)
        return Answers(found.rows.labels, len(rows.labels), (found.student, *found.others))
    inputs = training_inputs.prepare(rows, recipe.teacher, recipe.transfer, seed, base)
    trained = model_selection.selected(inputs, recipe)
    own = assess.side_by_side(inputs, trained, recipe.serving, is_timed=True)
    return Answers(rows.test.labels, len(rows.labels), (*own, *ask(inputs)))


def of(one: ProvingSet, seed: int, settings: int = peer_answers.SETTINGS, has_peers: bool = True) -> Measured:
    """A set under a seed: as an earlier run kept it, or measured now. `has_peers`: whether its peers are asked.

    Raises:
        DistillError: see `distill.errors`.
    """
    recipe = proving_set.recipe(one, seed)
    peers = PEERS[one.chapter] if has_peers else ()
    name = f"{one.name}-{seed}-{_key(one, recipe, peers, settings)}.json"
    path = cache.root() / "proving-ground" / "measured" / name
    kept = cache.stored(path, read)
    if kept is not None:
        return kept
    found = scored(one, seed, answers(recipe, cache.root(), seed, peers, settings))
    with cache.replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(found)))
    return found


def scored(one: ProvingSet, seed: int, found: Answers) -> Measured:
    """Answers a row, as they are kept."""
    scores = tuple(_scores(contender, found.gold) for contender in found.contenders)
    return Measured(one.name, one.chapter, seed, found.classes, scores)


def read(path: Path) -> Measured:
    """A kept file."""
    content = json.loads(path.read_text())
    rows = ("right", "log_likelihood", "confidence")
    scores = tuple(Scores(**it | {name: tuple(it[name]) for name in rows}) for it in content.pop("contenders"))
    return Measured(**content, contenders=scores)


def _scores(one: Contender, gold: Labels) -> Scores:
    probabilities = one.probabilities.astype(np.float64)
    of_gold = np.maximum(probabilities[np.arange(len(gold)), gold], _LEAST)
    median = None if one.timings is None else statistics.quantile("", one.timings, 0.5).value
    return Scores(
        name=one.name,
        role=one.role,
        description=one.description,
        right=tuple((one.labels == gold).astype(int).tolist()),
        log_likelihood=tuple(np.log(of_gold).round(_DIGITS).tolist()),
        confidence=tuple(probabilities.max(axis=1).round(_DIGITS).tolist()),
        kilobytes=one.kilobytes,
        microseconds=median,
    )


def _key(one: ProvingSet, recipe: Recipe, peers: tuple[str, ...], settings: int) -> str:
    """What a measurement depends on: the rows' file, the recipe, all of the product's code, and the peers."""
    rows = sha256_of(Path(recipe.data.path)) if recipe.data.path else None
    package = register.of(recipe.data).package
    # A register is passed by when code is followed: what it names is named here.
    code = cache.code(__name__, package, "distill.teachers", launch.__package__ or "")
    asked = (peers, settings, sha256_of(launch.ROOT / launch.FOLDER / "constraints-peers.txt"))
    plain = recipe.model_copy(update={"data": recipe.data.model_copy(update={"path": None})})
    of_set = (one.name, one.chapter, plain.model_dump(mode="json"), rows)
    return cache.key("proving ground", _FORMAT, of_set, code, asked)[:16]
