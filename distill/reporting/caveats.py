"""What a person should hear before trusting the numbers: said of every run, whatever its gates allow."""

from __future__ import annotations

from collections.abc import Iterator

from distill.evaluation.evidence import BASELINE, TWIN, Evidence, PairedDifference

FEW_TEST_ROWS = 100
_ADVICE = {
    TWIN: "The teacher does harm: choose a better one, or teach by gold labels alone (student.gold_weight = 1).",
    BASELINE: "Give more rows, choose a larger student.kind or a better teacher, or serve the baseline.",
}
_ADVICE_ON_TEACHER = "It has little to teach: take teacher.kind out for the default, or choose a better one."


def of(evidence: Evidence) -> Iterator[str]:
    """Plain sentences, the gravest first. Labels stand in them as the user wrote them."""
    student = evidence.contender("student")
    commonest = max(evidence.per_class, key=lambda row: row.support, default=None)
    if commonest and student.accuracy.value * evidence.test_rows <= commonest.support + 1e-6:
        yield (
            f"The student is right no more often than whoever always answers {commonest.label!r}, which is "
            f"{commonest.support / evidence.test_rows:.1%} of the test rows. Nothing of use was learned."
        )
    never = [row.label for row in evidence.per_class if row.support and not row.recall]
    if never:
        shown = ", ".join(map(repr, never[:10])) + (f" and {len(never) - 10} more" if len(never) > 10 else "")
        yield f"Not one test row of {shown} is found. Add rows, or leave the class out."
    for pair in evidence.comparisons:
        if pair.other in (TWIN, BASELINE) and pair.is_worse:
            yield f"The {pair.other} is clearly better than the student{_by(pair)}. {_ADVICE[pair.other]}"
    for pair in evidence.teacher_comparisons:
        if pair.is_worse:
            yield f"The {pair.other} is clearly better than the teacher{_by(pair)}. {_ADVICE_ON_TEACHER}"
    yield from _of_costs(evidence)
    if evidence.test_rows < FEW_TEST_ROWS:
        yield f"Only {evidence.test_rows} test rows: read the intervals, not the values alone."


def _of_costs(evidence: Evidence) -> Iterator[str]:
    if evidence.costs is None:
        return
    difference, realised, expected = map(evidence.metric, ("cost_difference", "realised_cost", "expected_cost"))
    if difference and difference.low > 0:
        yield (
            f"Deciding by costs costs more than deciding the most probable label, by {difference.value:.3g} a row: the "
            "probabilities are off where it matters. Give more rows of the classes that are dear to miss."
        )
    if realised and expected and not evidence.costs.is_as_expected:
        yield (
            f"The model expects its decisions to cost {expected.value:.3g} a row, and they cost {realised.value:.3g} "
            f"({realised.low:.3g} to {realised.high:.3g}): do not plan by its expected costs."
        )
    for it in evidence.costs.dearest:
        if it.rows < FEW_TEST_ROWS:
            yield (
                f"{it.label!r} is dear to miss, and {it.rows} rows of it judge: {it.missed} missed may mean up to "
                f"{it.share.high:.1%}."
            )


def _by(pair: PairedDifference) -> str:
    """By how much another is better: in accuracy, or else in log loss."""
    if pair.verdict == "worse":
        return f", by {-pair.difference.value:.1%} of the test rows"
    return f" in log loss, by {pair.log_loss_difference.value:.3f}"
