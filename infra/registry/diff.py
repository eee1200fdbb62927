"""Two sealed bundles side by side: data, teacher, recipe and contract, evidence and gates, and their answers.

The answers are those of both graphs, run here on the golden inputs of either.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from handler.bundle import contract, golden
from handler.errors import BundleError
from handler.modalities import register
from handler.modalities.modality import Record
from handler.model.predictor import Prediction, Predictor
from infra.errors import RefusedError
from infra.registry import lineage

T = TypeVar("T", contract.Metric, lineage.Gate)


@dataclass(frozen=True)
class Change:
    """A fact that the two do not share; None where one has none."""

    section: str  # data, teacher, recipe, serving or made by
    key: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Moved(Generic[T]):
    """A metric, or a gate's limit or value, that moved, or that only one of the two has."""

    name: str
    before: T | None
    after: T | None


@dataclass(frozen=True)
class AnswerChange:
    """A golden input that the two answer differently, see `handler.bundle.golden`."""

    input: Record
    before: Prediction
    after: Prediction
    gap: float  # the largest difference of a label's probability
    how: str  # they differ, for people

    @property
    def label_changed(self) -> bool:
        """Whether the label is another, and not its probability alone."""
        return self.before.label != self.after.label


@dataclass(frozen=True)
class Difference:
    """All that differs. `not_asked` says why no golden input was put to both, where that is so."""

    changes: tuple[Change, ...]
    metrics: tuple[Moved[contract.Metric], ...]
    gates: tuple[Moved[lineage.Gate], ...]
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
    alike = register.of(one.serving) is register.of(other.serving)
    not_asked = None if alike else f"one takes {one.serving.task} inputs, the other {other.serving.task}"
    return Difference(
        changes=tuple(_changes(one, other)),
        metrics=_moved(past.metrics, present.metrics),
        gates=_moved(past.gates, present.gates),
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
        [before], [after] = (it.predict(register.check([one], it.serving)) for it in (old, new))
        if how := golden.difference(asdict(after), asdict(before)):
            yield AnswerChange(one, before, after, _gap(before.scores, after.scores), how)


def _gap(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """The largest difference of a probability; a label that one does not know has probability 0 there."""
    pairs = [(before.get(label, 0.0), after.get(label, 0.0)) for label in before.keys() | after.keys()]
    gaps = (
        float(math.isnan(one) != math.isnan(other)) if math.isnan(one + other) else abs(one - other)
        for one, other in pairs
    )
    return max(gaps)


def _changes(one: contract.Manifest, other: contract.Manifest) -> Iterator[Change]:
    past, present = lineage.of(one), lineage.of(other)
    sections: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
        ("bundle", {"name": one.name}, {"name": other.name}),
        ("data", past.data, present.data),
        ("teacher", past.teacher, present.teacher),
        ("recipe", past.recipe, present.recipe),
        ("serving", _contract(one), _contract(other)),
        ("made by", past.made_by, present.made_by),
    )
    for section, before, after in sections:
        old, new = lineage.flat(before), lineage.flat(after)
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                yield Change(section, key, old.get(key), new.get(key))


def _contract(manifest: contract.Manifest) -> dict[str, Any]:
    """What callers notice: task, inputs, labels, thresholds, limits, costs."""
    serving = manifest.serving
    return {
        "task": serving.task,
        "inputs": {column.name: f"{column.kind}, {column.dtype}" for column in serving.inputs},
        "labels": list(serving.labels),
        "thresholds": asdict(serving.thresholds),
        "limits": asdict(serving.limits),
        **({} if serving.costs is None else {"costs": asdict(serving.costs)}),
    }


def _moved(ones: tuple[T, ...], others: tuple[T, ...]) -> tuple[Moved[T], ...]:
    """By name, in the order of the first."""
    before, after = ({item.name: item for item in items} for items in (ones, others))
    every = (Moved(name, before.get(name), after.get(name)) for name in before | after)
    return tuple(moved for moved in every if moved.before != moved.after)


def apart(moved: Moved[contract.Metric]) -> bool:
    """Whether the two 95% intervals share no point: more than the test rows' chance."""
    one, other = moved.before, moved.after
    if one is None or other is None or not one.n or not other.n:
        return False
    return one.high < other.low or other.high < one.low
