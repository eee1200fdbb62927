from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from distill.data.rows import Rows
from distill.evaluation import contenders, evaluate, parity
from distill.evaluation.contenders import Contender
from distill.evaluation.evidence import BASELINE, MAJORITY, TWIN, Evidence
from distill.evaluation.novelty_auroc import Novelty
from handler.bundle.contract import Metric, Serving
from tests import bundles
from tests.distill import made

NOVELTY = Novelty("made up", Metric("novelty_auroc", 0.8, 0.7, 0.9, 40), Metric("confidence_auroc", 0.6, 0.5, 0.7, 40))


@dataclass
class Spelled:
    """A predictor of texts that spell their own answer: "0.8" is the probability of the second class."""

    serving: Serving
    batch_error: float = 0.0

    def run(self, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        second = np.array([float(text) for text in arrays["text"]], np.float32)
        second += self.batch_error * (len(second) > 1)
        return np.stack([1 - second, second], axis=1), np.zeros(len(second), np.float32)


def evidence_of(
    chances: Sequence[float],
    gold: Sequence[int],
    teacher: Sequence[int] | None = None,
    batch_error: float = 0.0,
    groups: Sequence[str] | None = None,
    torch_logits: np.ndarray | None = None,
) -> Evidence:
    rows = made.text_rows([str(chance) for chance in chances], gold, groups)
    second = np.array(chances)
    logits = np.log(np.stack([1 - second, second], axis=1)).astype(np.float32)
    predictor = Spelled(bundles.text_serving(labels=made.LABELS), batch_error)
    student = replace(spelled(rows), kilobytes=12.34)
    checks = (
        *parity.against_floats(student.probabilities, logits if torch_logits is None else torch_logits, logits, 1.0),
        *parity.alone_and_in_batches(predictor, rows),  # type: ignore[arg-type]
    )
    answers = {
        "teacher": gold if teacher is None else teacher,
        TWIN: gold,
        BASELINE: [0] * len(gold),
        MAJORITY: [1] * len(gold),
    }
    others = [
        Contender(role, role, role, np.eye(2, dtype=np.float32)[list(labels)]) for role, labels in answers.items()
    ]
    return evaluate.run(student, others, 1.0, checks, NOVELTY, judged(rows), 200, 0)


def judged(rows: Rows, repeats: int = 1) -> evaluate.Judged:
    return evaluate.Judged(rows, made.LABELS, f"{len(rows)} rows", repeats)


def spelled(rows: Rows) -> Contender:
    probabilities, _ = Spelled(bundles.text_serving()).run({"text": rows.columns["text"]})
    return Contender("student", "student", "spelled", probabilities)


CHANCES = [0.9, 0.8, 0.6, 0.4, 0.3, 0.2, 0.7, 0.1, 0.45, 0.95]
GOLD = [1, 1, 0, 0, 0, 1, 1, 0, 1, 1]  # three of ten are wrong: places 2, 5 and 8


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    teacher = [1, 1, 0, 0, 0, 0, 1, 0, 0, 1]  # wrong in places 5 and 8, as the student
    return evidence_of(CHANCES, GOLD, teacher, groups=["a"] * 6 + ["b"] * 4)


def test_contenders_stand_side_by_side_on_the_same_rows(evidence: Evidence) -> None:
    assert [one.role for one in evidence.contenders] == ["teacher", "student", TWIN, BASELINE, MAJORITY]
    assert [one.accuracy.value for one in evidence.contenders] == [0.8, 0.7, 1.0, 0.4, 0.6]
    assert {one.accuracy.n for one in evidence.contenders} == {evidence.test_rows} == {10}


def test_retention_and_fidelity_are_measured_against_the_teacher(evidence: Evidence) -> None:
    assert evidence.metric("retention").value == pytest.approx(7 / 8)
    assert evidence.metric("fidelity").value == pytest.approx(0.9)


def test_comparisons_are_paired(evidence: Evidence) -> None:
    [teacher, twin, baseline, majority] = evidence.comparisons
    assert (teacher.other, teacher.student_only_right, teacher.other_only_right) == ("teacher", 0, 1)
    assert (twin.student_only_right, twin.other_only_right) == (0, 3)
    assert (baseline.student_only_right, baseline.other_only_right) == (4, 1)
    assert baseline.difference.value == pytest.approx(0.3)
    assert baseline.mcnemar_p == pytest.approx(0.375)
    assert majority.difference.value == pytest.approx(0.1)


def test_the_teacher_is_compared_with_what_costs_no_teacher(evidence: Evidence) -> None:
    [twin, baseline, majority] = evidence.teacher_comparisons
    assert [pair.other for pair in (twin, baseline, majority)] == [TWIN, BASELINE, MAJORITY]
    assert (twin.student_only_right, twin.other_only_right) == (0, 2)
    assert baseline.difference.value == pytest.approx(0.4)
    assert majority.difference.value == pytest.approx(0.2)


def test_the_loss_of_a_pair_is_the_mean_difference_of_its_rows_losses(evidence: Evidence) -> None:
    own = evidence.contender("student").log_loss.value
    assert own == pytest.approx(evidence.metric("nll").value, abs=1e-6)
    for pair in evidence.comparisons:
        loss = pair.log_loss_difference
        assert loss.value == pytest.approx(own - evidence.contender(pair.other).log_loss.value, abs=2e-6)
        assert loss.low <= loss.value <= loss.high
    assert evidence.contender("teacher").log_loss.value > 5  # two rows of ten that it was sure of and wrong


def test_rows_that_were_answered_twice_are_each_row_once_with_the_mean_of_its_answers() -> None:
    chances, gold = [0.9, 0.8, 0.3, 0.2], [1, 1, 1, 0]
    rows = made.text_rows([str(chance) for chance in chances], gold)
    first = spelled(rows)
    again = np.array([[0.1, 0.9], [0.7, 0.3], [0.2, 0.8], [0.9, 0.1]])  # another row is wrong the second time
    student = replace(first, probabilities=np.concatenate([first.probabilities, again]))
    teacher = Contender("teacher", "teacher", "right", np.tile(np.eye(2)[gold], (2, 1)))
    found = evaluate.run(student, [teacher], 1.0, (), None, judged(rows, repeats=2), 100, 0)
    assert found.test_rows == found.contender("student").accuracy.n == 4
    assert found.contender("student").accuracy.value == pytest.approx(6 / 8)
    assert sum(map(sum, found.confusion)) == 4
    [pair] = found.comparisons
    assert (pair.student_only_right, pair.other_only_right) == (0, 1)  # of the first answers
    assert pair.difference.value == pytest.approx(-2 / 8)


def test_the_confusion_counts_gold_by_predicted(evidence: Evidence) -> None:
    assert evidence.confusion == ((3, 1), (2, 4))
    bad, good = evidence.per_class
    assert (bad.support, bad.precision, bad.recall) == (4, 0.6, 0.75)
    assert (good.support, good.precision, good.recall) == (6, 0.8, pytest.approx(4 / 6))
    assert good.f1 == pytest.approx(2 * 4 / (6 + 5), abs=1e-6)


def test_groups_are_measured_each_on_its_rows(evidence: Evidence) -> None:
    first, second = evidence.per_group
    assert (first.group, first.rows, first.student_accuracy.value) == ("a", 6, pytest.approx(4 / 6))
    assert (second.group, second.rows, second.teacher_accuracy.value) == ("b", 4, 0.75)


def test_the_loss_is_that_of_the_served_probabilities(evidence: Evidence) -> None:
    chances = [chance if label else 1 - chance for chance, label in zip(CHANCES, GOLD, strict=True)]
    assert evidence.metric("nll").value == pytest.approx(-np.log(chances).mean(), abs=1e-5)
    assert evidence.metric("nll_before").value == pytest.approx(evidence.metric("nll").value, abs=1e-5)


def test_answering_only_what_is_sure_lowers_the_risk(evidence: Evidence) -> None:
    curve = evidence.risk_coverage
    assert curve[0].risk == 0
    assert (curve[-1].coverage, curve[-1].risk) == (1, pytest.approx(0.3))
    assert [point.threshold for point in curve] == sorted((point.threshold for point in curve), reverse=True)


def test_reliability_bins_hold_every_row_once(evidence: Evidence) -> None:
    assert sum(one.rows for one in evidence.reliability) == 10
    assert all(0.5 <= one.confidence <= 1 and 0 <= one.accuracy <= 1 for one in evidence.reliability)


def test_the_interval_of_the_calibration_error_holds_its_value(evidence: Evidence) -> None:
    for name in ("ece", "ece_before"):
        metric = evidence.metric(name)
        assert metric.low <= metric.value <= metric.high


@pytest.mark.parametrize("name", ["parity_export", "parity_int8", "batch_gap", "batch_label_changes", "kilobytes"])
def test_what_is_no_sample_statistic_has_no_interval(evidence: Evidence, name: str) -> None:
    assert evidence.metric(name).n == 0


def test_an_answer_that_depends_on_its_batch_is_found() -> None:
    evidence = evidence_of([0.9, 0.499, 0.2], [1, 0, 0], batch_error=0.01)
    assert evidence.metric("batch_gap").value == pytest.approx(0.01, rel=1e-3)
    assert evidence.metric("batch_label_changes").value == 1


def test_an_answer_that_does_not_depend_on_its_batch_is_cleared(evidence: Evidence) -> None:
    assert evidence.metric("batch_gap").value == evidence.metric("batch_label_changes").value == 0


def test_a_graph_that_says_something_else_than_torch_is_found() -> None:
    second = np.array([0.9, 0.4, 0.2])
    logits = np.log(np.stack([1 - second, second], axis=1)).astype(np.float32)
    logits[1] = logits[1, ::-1]
    evidence = evidence_of([0.9, 0.4, 0.2], [1, 0, 0], torch_logits=logits)
    assert evidence.metric("parity_export").value == pytest.approx(0.2, abs=1e-3)
    assert evidence.metric("parity_int8").value == pytest.approx(0.2, abs=1e-3)
    assert evidence.metric("parity_int8_labels").value == pytest.approx(2 / 3, abs=1e-5)


def test_a_teacher_that_is_never_right_gives_a_retention_that_is_not_a_number() -> None:
    assert np.isnan(evidence_of([0.9, 0.2], [1, 0], teacher=[0, 1]).metric("retention").value)


def test_a_contender_is_timed_row_by_row_after_a_few_calls_that_do_not_count() -> None:
    asked: list[int] = []

    def slow(place: int) -> None:
        asked.append(place)
        time.sleep(0.002)

    timings = contenders.timed(slow, 2, "the teacher")
    assert asked == [0, 1, 0, 1]
    assert timings.shape == (2,)
    assert (timings >= 2000).all()


def test_latency_and_the_speed_over_the_teacher_come_from_the_timings() -> None:
    rows = made.text_rows(["0.9", "0.2", "0.7"], [1, 0, 1])
    student = replace(spelled(rows), timings=np.array([10.0, 20.0, 30.0]))
    teacher = replace(spelled(rows), name="teacher", role="teacher", timings=np.full(2, 5000.0))
    evidence = evaluate.run(student, [teacher], 1.0, (), None, judged(rows), 100, 0)
    assert evidence.contender("teacher").latency_us_p50 == 5000
    assert evidence.contender("student").latency_us_p50 == evidence.metric("latency_us_p50").value == 20
    assert evidence.metric("speedup_over_teacher").value == 250


def test_what_was_not_measured_is_not_in_the_evidence() -> None:
    rows = made.text_rows(["0.9", "0.2", "0.7"], [1, 0, 1])
    teacher = replace(spelled(rows), name="teacher", role="teacher")
    evidence = evaluate.run(spelled(rows), [teacher], 1.0, (), None, judged(rows), 100, 0)
    for name in ("novelty_auroc", "kilobytes", "latency_us_p50", "speedup_over_teacher", "parity_export"):
        assert evidence.metric(name) is None
    assert evidence.contender("teacher").latency_us_p50 is None
    assert evidence.novelty_contrast == ""
