"""What was measured on the test rows: frozen, printable, and the input of gates and report."""

from __future__ import annotations

from dataclasses import dataclass

from handler.bundle.contract import Metric


@dataclass(frozen=True)
class Contender:
    """One of the four that are judged side by side on the same test rows."""

    role: str  # "teacher", "student", "hard-label twin", "baseline"
    description: str  # "TF-IDF (1,2-grams) + logistic regression, C=4"
    accuracy: Metric
    macro_f1: Metric
    kilobytes: float | None  # on disk, where it has a file
    latency_us_p50: float | None  # one row, one thread, preprocessing counted
    latency_us_p99: float | None


@dataclass(frozen=True)
class Comparison:
    """The student against another contender, paired on the same test rows."""

    other: str  # the other's role
    difference: Metric  # student accuracy - other's accuracy, paired bootstrap interval
    student_only_right: int
    other_only_right: int
    mcnemar_p: float  # exact two-sided


@dataclass(frozen=True)
class ClassRow:
    """One class, as the student answers it on the test rows."""

    label: str
    support: int
    precision: float
    recall: float
    f1: float
    recall_low: float  # 95% Wilson interval
    recall_high: float


@dataclass(frozen=True)
class GroupRow:
    """One group (a domain, a site): the student's and the teacher's accuracy on its test rows."""

    group: str
    rows: int
    student_accuracy: Metric
    teacher_accuracy: Metric


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: equal-width bins of confidence, empty ones left out."""

    confidence: float  # mean in the bin
    accuracy: float
    rows: int


@dataclass(frozen=True)
class RiskPoint:
    """Answering only the most confident `coverage` of rows gives this error rate."""

    coverage: float
    risk: float
    threshold: float


@dataclass(frozen=True)
class Evidence:
    """Everything measured once on the test rows, through the code that ships."""

    test_rows: int
    contenders: tuple[Contender, ...]  # teacher, student, hard-label twin, baseline
    comparisons: tuple[Comparison, ...]
    metrics: tuple[Metric, ...]  # retention, fidelity, ece, nll, novelty_auroc, ... names as in `metric()`
    per_class: tuple[ClassRow, ...]
    per_group: tuple[GroupRow, ...]
    confusion: tuple[tuple[int, ...], ...]  # [gold][predicted], counts
    reliability: tuple[Bin, ...]  # after calibration
    reliability_before: tuple[Bin, ...]
    risk_coverage: tuple[RiskPoint, ...]
    novelty_contrast: str  # what the novelty AUROC was measured against

    def metric(self, name: str) -> Metric:
        """The metric called `name`; KeyError if it was not measured."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)

    def contender(self, role: str) -> Contender:
        """The contender with this role; KeyError if there is none."""
        for contender in self.contenders:
            if contender.role == role:
                return contender
        raise KeyError(role)


@dataclass(frozen=True)
class GateResult:
    """One limit and what was found."""

    name: str  # the recipe's key, "min_retention", or a built-in such as "parity"
    limit: float
    value: float
    passed: bool
    unit: str = ""
