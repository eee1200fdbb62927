"""A trained student beside its contenders: each answers the same rows, and the student is held to the gates."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.special import softmax

from distill.data.rows import Dataset, Rows
from distill.evaluation import baseline as baselines
from distill.evaluation import decision_costs, evaluate, gates, parity
from distill.evaluation.contenders import Contender, Floats, timed
from distill.evaluation.cross_fitted import CrossFitted
from distill.evaluation.decision_costs import Prices
from distill.evaluation.evidence import BASELINE, MAJORITY, TWIN, Evidence, GateResult
from distill.evaluation.novelty_auroc import Novelty
from distill.graph import calibrate
from distill.packaging import bundle
from distill.pipeline import build_student
from distill.pipeline.training_inputs import TrainingInputs
from distill.recipe.schema import Evaluation as EvaluationConfig
from distill.recipe.schema import Gates, Serving
from distill.runtime import batched
from distill.training import train
from handler.bundle.contract import Metric
from handler.modalities.modality import Arrays

TIMED_ROWS = 1000
_TIMED_TEACHER_ROWS = 60
_TIMED_BYTES = 500_000_000
_TIMED_BASELINE_ROWS = 200
_SELECTION_RESAMPLES = 100

References = tuple[Contender, Contender]


def on_test(
    inputs: TrainingInputs,
    trained: build_student.TrainedStudent,
    staged: bundle.Staged,
    twin_student: train.Student,
    novelty: Novelty,
    config: EvaluationConfig,
) -> Evidence:
    """The evidence on the test rows, through the predictor that ships. `twin_student`: the hard-label twin."""
    beside = references(inputs, inputs.rows.test, is_timed=True)
    return _evidence(inputs, trained, staged, inputs.rows, beside, twin_student, novelty, config.bootstrap)


def cross_fitted(
    inputs: TrainingInputs,
    trained: build_student.TrainedStudent,
    staged: bundle.Staged,
    found: CrossFitted,
    config: EvaluationConfig,
) -> Evidence:
    """The evidence of answers that were cross-fitted; what is no statistic of rows is the shipped student's own.

    That is size, latency, and whether the graph answers as it should.
    """
    own = student("student", trained, staged, found.rows)
    beside = (own, *references(inputs, inputs.rows.test, is_timed=True), majority(inputs, inputs.rows.test))
    sealed = {one.name: one for one in beside}
    answered, *others = (_as_sealed(one, sealed.get(one.name, one)) for one in (found.student, *found.others))
    judged = evaluate.Judged(found.rows, inputs.rows.labels, found.words, found.repeats, _prices(staged))
    checks = _checks(trained, staged, own, found.rows)
    return evaluate.run(
        answered, others, found.temperatures, checks, found.novelty, judged, config.bootstrap, inputs.seed
    )


def side_by_side(
    inputs: TrainingInputs, trained: build_student.TrainedStudent, serving: Serving, is_timed: bool
) -> tuple[Contender, ...]:
    """Student, teacher, twin, baseline and majority class on the test rows, for experiments and cross-fitting."""
    test = inputs.rows.test
    with tempfile.TemporaryDirectory() as folder:
        assessed = student("student", trained, stage(inputs, trained, serving, folder), test, is_timed=is_timed)
    taught, plain = references(inputs, test, is_timed)
    alone = twin(inputs, build_student.twin(inputs, trained.draft), test)
    return (assessed, taught, alone, plain, majority(inputs, test))


def references(inputs: TrainingInputs, rows: Rows, is_timed: bool = False) -> References:
    """The teacher and the baseline on `rows`, once for all candidates. No gate is about their latency."""
    return teacher(inputs, rows, is_timed=is_timed), baseline(inputs, rows, is_timed=is_timed)


def on_validation(
    inputs: TrainingInputs, trained: build_student.TrainedStudent, beside: References, serving: Serving, limits: Gates
) -> tuple[GateResult, ...]:
    """The recipe's gates on validation rows, where choices are made. `beside`: `references` on those rows.

    The calibration was fitted on these rows, so `max_ece` is kept more easily here than on test rows.
    """
    needed = limits.min_gain_over_twin is not None or not limits.allow_worse
    twin_student = build_student.twin(inputs, trained.draft) if needed else None
    rows = replace(inputs.rows, test=inputs.rows.validation)
    with tempfile.TemporaryDirectory() as folder:
        staged = stage(inputs, trained, serving, folder)
        evidence = _evidence(inputs, trained, staged, rows, beside, twin_student, None, _SELECTION_RESAMPLES)
    return gates.check(evidence, limits)


def lacking(results: Sequence[GateResult]) -> tuple[GateResult, ...]:
    """The gates that failed."""
    return tuple(result for result in results if not result.passed)


def stage(
    inputs: TrainingInputs, trained: build_student.TrainedStudent, serving: Serving, folder: str
) -> bundle.Staged:
    """The student as it ships, in a folder that is soon gone."""
    return bundle.stage(trained.calibrated, inputs.rows, serving, inputs.rows.name, Path(folder))


def student(
    name: str,
    trained: build_student.TrainedStudent,
    staged: bundle.Staged,
    rows: Rows,
    perturbed: Rows | None = None,
    is_timed: bool = True,
) -> Contender:
    """A student as it ships: the predictor on its staged bundle."""
    predictor = staged.predictor()
    names = [column.name for column in predictor.serving.inputs]
    feed = trained.student.modality.feeds
    singles = _singles(feed({key: rows.columns[key][:TIMED_ROWS] for key in names}, 1)) if is_timed else []

    def answer(some: Rows) -> Floats:
        return batched.run(predictor.run, {key: some.columns[key] for key in names}, feed)[0]

    return Contender(
        name=name,
        role="student",
        description=trained.description,
        probabilities=answer(rows),
        perturbed=None if perturbed is None else answer(perturbed),
        kilobytes=staged.kilobytes,
        timings=timed(lambda place: predictor.run(singles[place]), len(singles), name) if is_timed else None,
    )


def _singles(fed: Iterator[tuple[object, batched.Columns]]) -> list[Arrays]:
    """Tensors of one row each, as many as there is room for: photographs of a telephone are 36 MB each."""
    found: list[Arrays] = []
    room = _TIMED_BYTES
    for _, tensors in fed:
        found.append(dict(tensors))
        room -= sum(value.nbytes for value in tensors.values())
        if room < 0:
            break
    return found


def teacher(inputs: TrainingInputs, rows: Rows, perturbed: Rows | None = None, is_timed: bool = True) -> Contender:
    """The fitted teacher; what is not ours to run is not timed."""
    found = inputs.teacher
    timings = None
    if is_timed and found.kilobytes is not None:
        count = min(len(rows), _TIMED_TEACHER_ROWS)
        timings = timed(lambda place: found.full.call_one(rows, place), count, "the teacher")
    return Contender(
        name="teacher",
        role="teacher",
        description=found.description,
        probabilities=softmax(found.logits(rows), axis=1),
        perturbed=None if perturbed is None else softmax(found.logits(perturbed), axis=1),
        kilobytes=found.kilobytes,
        timings=timings,
    )


def baseline(inputs: TrainingInputs, rows: Rows, perturbed: Rows | None = None, is_timed: bool = True) -> Contender:
    """The plain baseline of every bundle: one-hot or TF-IDF with logistic regression."""
    found = baselines.fit(inputs.modality.baseline, inputs.rows)
    count = min(len(rows), _TIMED_BASELINE_ROWS)
    return Contender(
        name=BASELINE,
        role=BASELINE,
        description=found.description,
        probabilities=found.probabilities(rows),
        perturbed=None if perturbed is None else found.probabilities(perturbed),
        kilobytes=found.kilobytes(),
        timings=timed(lambda place: found.call_one(rows, place), count, "the baseline") if is_timed else None,
    )


def twin(inputs: TrainingInputs, twin_student: train.Student, rows: Rows, name: str = TWIN) -> Contender:
    """A hard-label twin, calibrated as the student is, before it is exported: its answers alone are of interest."""
    description = "the same network without a teacher: gold labels alone"
    held = inputs.rows.validation
    temperature = calibrate.fit_temperature(train.logits(twin_student, held), held.labels)
    return Contender(name, TWIN, description, softmax(train.logits(twin_student, rows) / temperature, axis=1))


def majority(inputs: TrainingInputs, rows: Rows) -> Contender:
    """Whoever always answers with the classes' shares of the training rows."""
    known = inputs.rows.train.labels[inputs.rows.train.labelled]
    shares = (np.bincount(known, minlength=len(inputs.rows.labels)) + 0.5) / (len(known) + len(inputs.rows.labels) / 2)
    description = f"always {inputs.rows.labels[int(shares.argmax())]!r}"
    return Contender(MAJORITY, MAJORITY, description, np.tile(shares, (len(rows), 1)))


def _evidence(
    inputs: TrainingInputs,
    trained: build_student.TrainedStudent,
    staged: bundle.Staged,
    rows: Dataset,
    beside: References,
    twin_student: train.Student | None,
    novelty: Novelty | None,
    resamples: int,
) -> Evidence:
    assessed = student("student", trained, staged, rows.test)
    checks = _checks(trained, staged, assessed, rows.test)
    twins = () if twin_student is None else (twin(inputs, twin_student, rows.test),)
    others = (beside[0], *twins, beside[1], majority(inputs, rows.test))
    words = f"{len(rows.test):,} test rows, which neither training nor any choice saw"
    judged = evaluate.Judged(rows.test, rows.labels, words, prices=_prices(staged))
    return evaluate.run(
        assessed, others, trained.calibrated.temperature, checks, novelty, judged, resamples, inputs.seed
    )


def _as_sealed(answered: Contender, sealed: Contender) -> Contender:
    """The answers of many, with what the one that is sealed is and costs."""
    return replace(
        answered, description=sealed.description, kilobytes=sealed.kilobytes, timings=sealed.timings, perturbed=None
    )


def _checks(
    trained: build_student.TrainedStudent, staged: bundle.Staged, assessed: Contender, rows: Rows
) -> tuple[Metric, ...]:
    """Whether the graph that is served answers `rows` as the student does. `assessed`: its answers."""
    predictor, costs, feeds = staged.predictor(), staged.serving.costs, trained.student.modality.feeds
    logits = train.logits(trained.student, rows), calibrate.run(trained.exported, rows, feeds)[0]
    columns = {column.name: rows.columns[column.name] for column in staged.serving.inputs}
    return (
        *parity.against_floats(assessed.probabilities, *logits, trained.calibrated.temperature),
        *parity.alone_and_in_batches(predictor, rows, feeds),
        *(() if costs is None else (decision_costs.parity(predictor, columns, assessed.probabilities, costs, feeds),)),
    )


def _prices(staged: bundle.Staged) -> Prices | None:
    """What the student's decisions are weighed by, as it ships."""
    costs = staged.serving.costs
    return None if costs is None else Prices(costs, staged.serving.thresholds)
