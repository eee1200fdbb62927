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
    if evidence.test_rows < FEW_TEST_ROWS:
        yield f"Only {evidence.test_rows} test rows: read the intervals, not the values alone."


def _by(pair: PairedDifference) -> str:
    """By how much another is better: in accuracy, or else in log loss."""
    if pair.verdict == "worse":
        return f", by {-pair.difference.value:.1%} of the test rows"
    return f" in log loss, by {pair.log_loss_difference.value:.3f}"
