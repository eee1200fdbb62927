"""Two sealed bundles side by side: data, teacher, recipe and contract, evidence and gates, and their answers.

The answers are those of both graphs, run here on the golden inputs of either.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from handler.bundle import contract, golden
from handler.bundle.contract import Manifest, Metric
from handler.errors import BundleError
from handler.modalities import register
from handler.modalities.modality import Record
from handler.model.predictor import Prediction, Predictor
from infra.errors import RefusedError
from infra.registry import lineage
from infra.registry.lineage import Gate

T = TypeVar("T", Metric, Gate)


@dataclass(frozen=True)
class Change:
    """A fact that the two do not share; None where one has none."""

    section: str  # data, teacher, recipe, serving or made by
    key: str
    before: Any
    after: Any


@dataclass(frozen=True)
class MetricChange:
    """A metric that moved, or that only one of the two has."""

    name: str
    before: Metric | None
    after: Metric | None

    @property
    def apart(self) -> bool:
        """Whether the two 95% intervals share no point: more than the test rows' chance."""
        one, other = self.before, self.after
        if one is None or other is None or not one.n or not other.n:
            return False
        return one.high < other.low or other.high < one.low


@dataclass(frozen=True)
class GateChange:
    """A gate whose limit or value moved, or that only one of the two has."""

    name: str
    before: Gate | None
    after: Gate | None


@dataclass(frozen=True)
class AnswerChange:
    """A golden input that the two answer differently: by the label, or a probability by more than the tolerance."""

    input: Record
    before: Prediction
    after: Prediction
    gap: float  # the largest difference of a label's probability

    @property
    def label_changed(self) -> bool:
        """Whether the label is another, and not its probability alone."""
        return self.before.label != self.after.label


@dataclass(frozen=True)
class Difference:
    """All that differs. `not_asked` says why no golden input was put to both, where that is so."""

    changes: tuple[Change, ...]
    metrics: tuple[MetricChange, ...]
    gates: tuple[GateChange, ...]
    golden_inputs: int
    answers: tuple[AnswerChange, ...]
    not_asked: str | None


def between(before: Path, after: Path) -> Difference:
    """Compare the sealed bundles in two folders.

    Raises:
        RefusedError: one of them is not as it was sealed, or its golden file cannot be read.
    """
    try:
        old, new = Predictor.load(before), Predictor.load(after)
        one, other = contract.read(before), contract.read(after)
        inputs = golden_inputs(before, after)
    except BundleError as error:
        raise RefusedError(str(error)) from None
    past, present = lineage.of(one), lineage.of(other)
    not_asked = None
    if register.of(one.serving) is not register.of(other.serving):
        not_asked = f"one takes {one.serving.task} inputs, the other {other.serving.task}"
    return Difference(
        changes=tuple(_changes(one, other)),
        metrics=tuple(
            MetricChange(name, *pair) for name, pair in _paired(past.metrics, present.metrics) if pair[0] != pair[1]
        ),
        gates=tuple(GateChange(name, *pair) for name, pair in _paired(past.gates, present.gates) if pair[0] != pair[1]),
        golden_inputs=len(inputs),
        answers=() if not_asked else tuple(_answers(old, new, inputs)),
        not_asked=not_asked,
    )


def golden_inputs(*folders: Path) -> list[Record]:
    """The golden inputs of several bundles, each once, in the order of the files.

    Raises:
        BundleError: a golden file that cannot be read.
    """
    every = (one.input for folder in folders for one in golden.read(folder))
    return list({json.dumps(one, sort_keys=True): one for one in every}.values())


def _answers(old: Predictor, new: Predictor, inputs: list[Record]) -> Iterator[AnswerChange]:
    for one in inputs:
        [before], [after] = old.predict([one]), new.predict([one])
        if golden.difference(asdict(after), asdict(before)):
            yield AnswerChange(one, before, after, _gap(before.scores, after.scores))


def _gap(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """The largest difference of a probability; a label that one does not know has probability 0 there."""
    pairs = [(before.get(label, 0.0), after.get(label, 0.0)) for label in before.keys() | after.keys()]
    return max(abs(math.isnan(one) - math.isnan(other)) or _apart(one, other) for one, other in pairs)


def _apart(one: float, other: float) -> float:
    return 0.0 if math.isnan(one) else abs(one - other)


def _changes(one: Manifest, other: Manifest) -> Iterator[Change]:
    past, present = lineage.of(one), lineage.of(other)
    sections: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
        ("data", past.data, present.data),
        ("teacher", past.teacher, present.teacher),
        ("recipe", past.recipe, present.recipe),
        ("serving", _contract(one), _contract(other)),
        ("made by", past.made_by, present.made_by),
    )
    if one.name != other.name:
        yield Change("bundle", "name", one.name, other.name)
    for section, before, after in sections:
        old, new = lineage.flat(before), lineage.flat(after)
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                yield Change(section, key, old.get(key), new.get(key))


def _contract(manifest: Manifest) -> dict[str, Any]:
    """What callers notice: task, inputs, labels, thresholds, limits."""
    serving = manifest.serving
    return {
        "task": serving.task,
        "inputs": {column.name: f"{column.kind}, {column.dtype}" for column in serving.inputs},
        "labels": list(serving.labels),
        "thresholds": asdict(serving.thresholds),
        "limits": asdict(serving.limits),
    }


def _paired(ones: tuple[T, ...], others: tuple[T, ...]) -> Iterator[tuple[str, tuple[T | None, T | None]]]:
    """By name, in the order of the first."""
    before: dict[str, T] = {item.name: item for item in ones}
    after: dict[str, T] = {item.name: item for item in others}
    for name in [*before, *(name for name in after if name not in before)]:
        yield name, (before.get(name), after.get(name))
