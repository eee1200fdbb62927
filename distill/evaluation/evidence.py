"""What was measured on the test rows: frozen, printable, and the input of gates and report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from handler.bundle.contract import Metric

TWIN = "hard-label twin"  # the role of the student taught by gold labels alone
BASELINE, MAJORITY = "baseline", "majority class"
SIGNIFICANT = 0.05  # exact McNemar
NEGLIGIBLE = 0.005  # nats of log loss: what rounding to integers may cost


@dataclass(frozen=True)
class MeasuredContender:
    """One of those that are compared on the same test rows."""

    role: str  # "teacher", "student", "hard-label twin", "baseline", "majority class", "peer"
    description: str  # "TF-IDF (1,2-grams) + logistic regression, C=4"
    accuracy: Metric
    macro_f1: Metric
    log_loss: Metric  # mean negative log-likelihood of the gold labels, in nats
    kilobytes: float | None  # on disk, where it has a file
    latency_us_p50: float | None  # one row, one thread, preprocessing counted
    latency_us_p99: float | None


@dataclass(frozen=True)
class PairedDifference:
    """The student, or the teacher, against another contender, paired on the same test rows."""

    other: str  # the other's name, which in the evidence is its role
    difference: Metric  # student accuracy - other's accuracy, paired bootstrap interval
    log_loss_difference: Metric  # student's log loss - other's: below 0 the student is better
    student_only_right: int
    other_only_right: int
    mcnemar_p: float  # exact two-sided

    @property
    def verdict(self) -> str:
        """What the student is: "better", "worse", or "level" where a difference so large may be chance."""
        if self.mcnemar_p >= SIGNIFICANT:
            return "level"
        return "better" if self.difference.value > 0 else "worse"

    @property
    def is_worse(self) -> bool:
        """Whether it is worse beyond chance: in accuracy, or in log loss without being better in accuracy."""
        return self.verdict == "worse" or (self.log_loss_difference.low > NEGLIGIBLE and self.verdict != "better")


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
class ClassMisses:
    """One class: how many of its rows were taken for another class. A row that was abstained from is not missed."""

    label: str
    price: float  # of missing it, at most
    rows: int
    missed: int
    share: Metric  # missed of rows, with the exact interval of Clopper and Pearson
    missed_by_argmax: int  # by the same student, deciding by the highest probability
    abstained: int


@dataclass(frozen=True)
class ContenderCost:
    """What a contender's decisions cost a row: by least expected cost, and by the highest probability."""

    role: str
    least_cost: Metric
    argmax: Metric


@dataclass(frozen=True)
class RatioPoint:
    """The cost a row where the dearest mistake costs `ratio` times the cheapest."""

    ratio: float
    least_cost: float
    argmax: float
    is_served: bool  # these are the recipe's prices


@dataclass(frozen=True)
class CostEvidence:
    """What decisions by costs came to, beside the metrics that are called cost."""

    is_as_expected: bool  # whether the mean expected cost lies within the interval of the realised one
    contenders: tuple[ContenderCost, ...]
    misses: tuple[ClassMisses, ...]  # each class, the dearest to miss first
    over_ratio: tuple[RatioPoint, ...]  # by rising ratio; none where all mistakes cost the same

    @property
    def dearest(self) -> tuple[ClassMisses, ...]:
        """The classes that are dearer to miss than others."""
        least = min(it.price for it in self.misses)
        return tuple(it for it in self.misses if it.price > least)


@dataclass(frozen=True)
class Evidence:
    """Everything measured once on the test rows, through the code that ships."""

    test_rows: int
    judged: str  # how: by one split, or every row by a student that never saw it
    contenders: tuple[MeasuredContender, ...]  # teacher, student, hard-label twin, baseline, majority class
    comparisons: tuple[PairedDifference, ...]  # of the student with each other
    teacher_comparisons: tuple[PairedDifference, ...]  # of the teacher with twin, baseline and majority class
    metrics: tuple[Metric, ...]  # retention, fidelity, ece, nll, novelty_auroc, ... names as in `metric()`
    per_class: tuple[ClassRow, ...]
    per_group: tuple[GroupRow, ...]
    confusion: tuple[tuple[int, ...], ...]  # [gold][predicted], counts
    reliability: tuple[Bin, ...]  # after calibration
    reliability_before: tuple[Bin, ...]
    risk_coverage: tuple[RiskPoint, ...]
    novelty_contrast: str  # what the novelty AUROC was measured against
    costs: CostEvidence | None = None  # where the recipe prices mistakes

    def as_json(self) -> dict[str, Any]:
        """As JSON has it, with no costs where mistakes have no prices."""
        found = asdict(self)
        return found if self.costs else {name: value for name, value in found.items() if name != "costs"}

    def metric(self, name: str) -> Metric | None:
        """The metric called `name`; None if it was not measured."""
        return next((metric for metric in self.metrics if metric.name == name), None)

    def contender(self, role: str) -> MeasuredContender:
        """The contender with this role; KeyError if there is none."""
        return {contender.role: contender for contender in self.contenders}[role]


@dataclass(frozen=True)
class GateResult:
    """One limit and what was found."""

    name: str  # the recipe's key, "min_retention", or a built-in such as "parity"
    limit: float
    value: float | None  # None: it was not measured, and so the gate failed
    passed: bool
    unit: str = ""
