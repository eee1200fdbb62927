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
    if draft.config.epochs * len(inputs.soft.rows) * inputs.row_length(draft.config) <= _WORTH_TRYING:
        if draft.section.gold_weight is None:
            best = _better(inputs, best, [_with(best.draft, gold_weight=it) for it in _GOLD_WEIGHTS])
        if draft.section.temperature is None:
            best = _better(inputs, best, [_with(best.draft, temperature=it) for it in _TEMPERATURES])
    found = _better(inputs, best, [build_student.without_teacher(inputs, draft)], _OF_TWIN).draft
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


def _with(draft: Draft, **changed: float) -> Draft:
    """The draft with these settings, and the usual ones where it has none."""
    usual = {"gold_weight": train.GOLD_WEIGHT, "temperature": train.TEMPERATURE}
    open_ones = {key: value for key, value in usual.items() if getattr(draft.config, key) is None}
    return replace(draft, config=draft.config.model_copy(update=open_ones | changed))


def _better(inputs: TrainingInputs, best: _Tried, others: Sequence[Draft], errors: float = _STANDARD_ERRORS) -> _Tried:
    """The best of the others where it is beyond chance better than `best`."""
    tried = [_tried(inputs, other) for other in others if other != best.draft]
    nearest = min(tried, key=lambda one: float(one.losses.mean()), default=best)
    gain = best.losses - nearest.losses
    chance = float(gain.std(ddof=1)) / len(gain) ** 0.5 if len(gain) > 1 else np.inf
    return nearest if float(gain.mean()) > errors * chance else best


def _tried(inputs: TrainingInputs, draft: Draft) -> _Tried:
    logits = train.logits(build_student.teach(inputs, draft), inputs.rows.validation)
    gold = inputs.rows.validation.labels
    scaled = log_softmax(logits.astype(np.float64) / calibrate.fit_temperature(logits, gold), axis=1)
    losses: Losses = -scaled[np.arange(len(gold)), gold]
    config = draft.config
    way = "gold labels alone" if draft.alone else f"gold weight {config.gold_weight:g}, T {config.temperature:g}"
    say(f"  {draft.name} taught by {way}: log loss on validation rows {losses.mean():.3f}")
    return _Tried(draft, losses)
