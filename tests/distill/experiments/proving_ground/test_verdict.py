from __future__ import annotations

from xml.etree import ElementTree

import pytest

from distill.experiments.proving_ground import picture, verdict, verdict_tables
from distill.experiments.proving_ground.measure import BASELINE, TEACHER
from distill.experiments.proving_ground.run import Failure, Results
from distill.experiments.proving_ground.sets.proving_set import TABLES, TEXTS
from distill.experiments.proving_ground.verdict import ACCURACY, LIKELIHOOD, Verdict
from tests.distill.experiments.proving_ground.measured import TWIN, measured, scores


def judged(*found: object, failures: tuple[Failure, ...] = ()) -> Verdict:
    return verdict.of(Results(tuple(found), failures))  # type: ignore[arg-type]


def test_a_student_that_is_clearly_worse_is_a_loss_and_one_that_is_level_is_not() -> None:
    found = judged(measured("bad", student=-0.05), measured("level"), measured("good", student=0.05))
    likelihood = {names for names in found.losses if names[1] == LIKELIHOOD}
    assert likelihood == {("bad", LIKELIHOOD, TWIN), ("bad", LIKELIHOOD, BASELINE)}
    assert any("on bad the student is worse than the baseline in log-likelihood" in it for it in
               verdict_tables.sentences(found))  # fmt: skip


def test_holms_family_is_all_sets_and_both_claims_and_measures() -> None:
    found = judged(*(measured(name) for name in ("a", "b", "c")))
    assert len(found.adjusted) == 3 * 2 * 2
    assert not any(other == TEACHER for _, _, other in found.adjusted)
    assert "no loss to twin or baseline in any of 12 comparisons" in verdict_tables.sentences(found)[0]


def test_the_mean_gain_is_of_each_chapter_apart() -> None:
    found = judged(
        *(measured(f"text {i}", student=0.1) for i in range(3)),
        *(measured(f"table {i}", TABLES, student=-0.2) for i in range(3)),
    )
    assert found.gains[TEXTS, TWIN].value == pytest.approx(0.1, abs=0.01)
    assert found.gains[TABLES, TWIN].value == pytest.approx(-0.2, abs=0.01)
    assert found.gains[TEXTS, TWIN].low > 0 > found.gains[TABLES, TWIN].high
    assert found.gains[TEXTS, TWIN].n == 3


def test_a_student_is_near_its_teacher_within_a_hundredth_of_a_nat() -> None:
    near, far = judged(measured("near", teacher=0.0), measured("far", teacher=0.05)).sets[::-1]
    assert near.near_teacher
    assert not far.near_teacher


def test_a_peer_beats_the_student_where_it_is_better_in_a_score_in_bytes_and_in_time_at_once() -> None:
    likely = [-0.01] * 200
    peers = (
        scores("best", likely, role="peer", kilobytes=99, microseconds=49),
        scores("large", likely, role="peer", kilobytes=101, microseconds=49),
        scores("slow", likely, role="peer", kilobytes=99, microseconds=51),
        scores("unsure", [-5.0] * 200, [1] * 200, role="peer", kilobytes=1, microseconds=1),
        scores("bad", [-5.0] * 200, [0] * 200, role="peer", kilobytes=1, microseconds=1),
    )
    [found] = judged(measured(peers=peers)).sets
    assert found.beaten_by == (("best", LIKELIHOOD), ("best", ACCURACY), ("unsure", ACCURACY))


def test_calibration_is_judged_on_a_thousand_rows_or_more() -> None:
    few, many = judged(measured("few", rows=999), measured("many", rows=1000)).sets
    assert few.calibration_error is None
    assert many.calibration_error is not None
    assert 0 < many.calibration_error < 1


def test_a_sets_spread_is_that_of_its_seeds() -> None:
    [found] = judged(measured("a", seed=0, student=0.0), measured("a", seed=1, student=0.2)).sets
    assert found.seeds == 2
    student = found.contenders["student"].scores[LIKELIHOOD]
    assert student.deviation > 0.05
    assert judged(measured("a")).sets[0].contenders["student"].scores[LIKELIHOOD].deviation == 0


def test_what_failed_stands_in_a_table_with_its_reason() -> None:
    failure = Failure("broken", TEXTS, 1, "the archive is gone")
    tables = verdict_tables.of(judged(measured("a"), failures=(failure,)))
    assert tables[-1].rows == (("broken", "1", "the archive is gone"),)
    assert len(verdict_tables.of(judged(measured("a")))) == len(tables) - 1


def test_nothing_measured_is_no_error() -> None:
    found = judged(failures=(Failure("broken", TEXTS, 0, "gone"),))
    assert verdict_tables.of(found)[-1].rows == (("broken", "0", "gone"),)
    assert ElementTree.fromstring(picture.figure(found)) is not None
    assert verdict_tables.sentences(found)


def test_the_picture_names_every_set_and_embeds_no_file() -> None:
    drawn = picture.figure(judged(measured("first"), measured("second", TABLES)))
    assert "first (200)" in drawn
    assert "second (200)" in drawn
    assert all(f"student less {other}" in drawn for other in ("twin", "baseline", "teacher"))
    assert "<image" not in drawn
    assert drawn == picture.figure(judged(measured("first"), measured("second", TABLES)))
