"""`python -m distill sweep`: what each candidate gains, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from distill.evaluation import gates
from distill.evaluation.evidence import GateResult
from distill.experiments import comparison, cost, pareto
from distill.modalities import resolve
from distill.pipeline import assess, build_student, model_selection, training_inputs
from distill.progress import say
from distill.recipe.schema import Recipe
from distill.reporting import tables
from distill.reporting.tables import Table, interval


@dataclass(frozen=True)
class Sweep:
    """Every candidate from the smallest on, on the test rows and at the gates."""

    found: comparison.Comparison
    results: Mapping[str, tuple[GateResult, ...]]  # of the gates, on validation rows, by the student's name

    @property
    def chosen(self) -> str | None:
        """What `student.kind = "auto"` takes: the first that passes every gate on validation rows."""
        return next((name for name, results in self.results.items() if not assess.lacking(results)), None)


def run(recipe: Recipe, base: Path) -> Sweep:
    """Teach every candidate, hold it to the gates on validation rows, and compare it on the test rows.

    Raises:
        DistillError: see `distill.errors`.
    """
    recipe = resolve.resolved(recipe)
    inputs = training_inputs.of(recipe, base)
    say("students")
    references = assess.references(inputs, inputs.rows.validation)
    trained, results = {}, {}
    for draft in model_selection.by_size(inputs, recipe):
        one = trained[draft.name] = build_student.finish(inputs, draft, build_student.teach(inputs, draft))
        results[draft.name] = assess.on_validation(inputs, one, references, recipe.serving, recipe.gates)
    say("evidence")
    students, teacher = comparison.students(inputs, trained, recipe.serving), assess.teacher(inputs, inputs.rows.test)
    resampled = (recipe.evaluation.bootstrap, recipe.seed)
    return Sweep(comparison.of(teacher, students, inputs.rows.test.labels, *resampled), results)


def table(swept: Sweep) -> Table:
    """A row a student."""
    best = pareto.front(swept.found.students)
    rows = [("teacher", interval(swept.found.teacher.measured.accuracy), "", "", "", "", "", "")]
    for one in swept.found.students:
        lacks = assess.lacking(swept.results[one.name])
        latency = one.measured.latency_us_p50
        rows.append(
            (
                one.name,
                interval(one.measured.accuracy),
                interval(one.retention),
                tables.cost(one.measured.kilobytes),
                tables.cost(latency),
                "" if latency is None else f"{cost.a_million(latency):.3f}",
                "yes" if one in best else "",
                "; ".join(map(gates.worded, lacks)) or ("passes: auto" if one.name == swept.chosen else "passes"),
            )
        )
    headings = ("", "accuracy", "retention", "KB", "µs p50", "$ a million", "front", "gates, on validation rows")
    return Table(f"{swept.found.test_rows:,} test rows, 95% intervals", headings, tuple(rows))
