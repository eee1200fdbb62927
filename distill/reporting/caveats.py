"""What a person should hear before trusting the numbers: said of every run, whatever its gates allow."""

from __future__ import annotations

from collections.abc import Iterator

from distill.evaluation.evidence import Evidence

FEW_TEST_ROWS = 100


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
    for comparison in evidence.comparisons:
        if comparison.other == "baseline" and comparison.verdict == "worse":
            yield (
                f"The plain baseline is clearly better, by {-comparison.difference.value:.1%} of the test rows. "
                "Train longer, give more rows or a better teacher, or serve the baseline."
            )
    if evidence.test_rows < FEW_TEST_ROWS:
        yield f"Only {evidence.test_rows} test rows: read the intervals, not the values alone."
