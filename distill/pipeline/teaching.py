"""How a student is taught: how much gold labels count beside the teacher, at what temperature, or without a teacher.

Chosen on validation rows, by the likelihood of their labels, from few values. What is tried first stays unless another
is better by more than one standard error of the difference: of few rows, the best of several is the luckiest. To go
without the teacher takes two, as it does for a student to be called worse than its twin; and because such a student
stops at the epoch that suits these very rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_softmax

from distill.graph import calibrate
from distill.pipeline import build_student
from distill.pipeline.build_student import Draft, TrainedStudent
from distill.pipeline.training_inputs import TrainingInputs
from distill.progress import say
from distill.recipe.schema import Student as Config
from distill.training import train

_GOLD_WEIGHTS = (train.GOLD_WEIGHT, 0.7)
_TEMPERATURES = (train.TEMPERATURE, 2.0)
# Words, or rows of columns, that a student may read in all its epochs to be taught more than once.
_WORTH_TRYING = 10_000_000
_MANY_CLASSES = 100  # beyond, the last layer is most of a student's work
_STANDARD_ERRORS, _OF_TWIN = 1.0, 2.0

Losses = np.typing.NDArray[np.float64]  # of each validation row, [N]


@dataclass(frozen=True)
class _Tried:
    """A way to teach, and the log loss of each validation row under the student."""

    draft: Draft
    losses: Losses


def chosen(inputs: TrainingInputs, draft: Draft) -> Draft:
    """The draft with what it leaves open of how it is taught, or `alone` where the teacher does not help."""
    if draft.alone:
        return draft
    best = _tried(inputs, _with(draft))
    if _work(inputs, draft) <= _WORTH_TRYING:
        if draft.section.gold_weight is None:
            best = _better(inputs, best, [_with(best.draft, gold_weight=it) for it in _GOLD_WEIGHTS])
        if draft.section.temperature is None:
            best = _better(inputs, best, [_with(best.draft, temperature=it) for it in _TEMPERATURES])
    twin = _tried(inputs, build_student.without_teacher(inputs, draft))
    teacher = _of_teacher(inputs)
    if teacher is not None and _gains(teacher, twin.losses, _OF_TWIN):
        # What such a teacher says is more likely to harm: now it is for the taught student to be better beyond chance.
        say(f"  the teacher is worse than the student without it: log loss on validation rows {teacher.mean():.3f}")
        found = (best if _gains(twin.losses, best.losses, _OF_TWIN) else twin).draft
    else:
        found = (twin if _gains(best.losses, twin.losses, _OF_TWIN) else best).draft
    if found.alone:
        say("  the teacher does not help: the student is taught by the gold labels alone")
    return found


def best(inputs: TrainingInputs, drafts: Sequence[Draft]) -> Draft:
    """The draft whose student does best, taught in the usual way; the first where no other is better beyond chance."""
    usual = [_with(draft) for draft in drafts]
    if len(usual) == 1:
        return drafts[0]
    found = _better(inputs, _tried(inputs, usual[0]), usual[1:]).draft
    return drafts[usual.index(found)]


def make(inputs: TrainingInputs, section: Config, name: str) -> TrainedStudent:
    """Drafted, taught in the way that is best, and finished."""
    one = chosen(inputs, build_student.draft(inputs, section, name))
    return build_student.finish(inputs, one, build_student.teach(inputs, one))


def _work(inputs: TrainingInputs, draft: Draft) -> float:
    """Words, or rows of columns, that the student reads in all its epochs; more where there are many classes."""
    read = draft.config.epochs * len(inputs.soft.rows) * inputs.row_length(draft.config)
    return read * max(1.0, 1 + (len(inputs.rows.labels) - _MANY_CLASSES) / 20)


def _with(draft: Draft, **changed: float) -> Draft:
    """The draft with these settings, and the usual ones where it has none."""
    usual = {"gold_weight": train.GOLD_WEIGHT, "temperature": train.TEMPERATURE}
    open_ones = {key: value for key, value in usual.items() if getattr(draft.config, key) is None}
    return replace(draft, config=draft.config.model_copy(update=open_ones | changed))


def _better(inputs: TrainingInputs, best: _Tried, others: Sequence[Draft]) -> _Tried:
    """The best of the others where it is beyond chance better than `best`."""
    tried = [_tried(inputs, other) for other in others if other != best.draft]
    nearest = min(tried, key=lambda one: float(one.losses.mean()), default=best)
    return nearest if _gains(best.losses, nearest.losses, _STANDARD_ERRORS) else best


def _gains(one: Losses, other: Losses, errors: float) -> bool:
    """Whether the other loses less, on the same rows, by more than so many standard errors of the difference."""
    gain = one - other
    return len(gain) > 1 and float(gain.mean()) > errors * float(gain.std(ddof=1)) / len(gain) ** 0.5


def _of_teacher(inputs: TrainingInputs) -> Losses | None:
    """What the teacher loses, calibrated as a student is; None where it does not say something of every row."""
    return None if np.isnan(inputs.held.logits).any() else _losses(inputs.held.logits, inputs.rows.validation.labels)


def _losses(logits: np.typing.NDArray[np.float32], gold: np.typing.NDArray[np.int64]) -> Losses:
    scaled = log_softmax(logits.astype(np.float64) / calibrate.fit_temperature(logits, gold), axis=1)
    found: Losses = -scaled[np.arange(len(gold)), gold]
    return found


def _tried(inputs: TrainingInputs, draft: Draft) -> _Tried:
    logits = train.logits(build_student.teach(inputs, draft), inputs.rows.validation)
    losses = _losses(logits, inputs.rows.validation.labels)
    config = draft.config
    way = "gold labels alone" if draft.alone else f"gold weight {config.gold_weight:g}, T {config.temperature:g}"
    say(f"  {draft.name} taught by {way}: log loss on validation rows {losses.mean():.3f}")
    return _Tried(draft, losses)
