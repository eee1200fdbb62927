"""A comparison of contenders, and what its tables say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from distill.evaluation.contenders import Contender
from distill.experiments import comparison, comparison_tables
from distill.experiments.comparison import Comparison
from distill.modalities.tabular.modality import TABULAR
from distill.modalities.text.modality import TEXT
from distill.reporting import tables
from distill.reporting.tables import Table
from tests.distill import made

ROWS = 400
GOLD = np.arange(ROWS) % 2


def contender(name: str, right: float, kilobytes: float = 100, microseconds: float = 50, **more: object) -> Contender:
    """One that is right on the first `right` of the rows."""
    answers = np.where(np.arange(ROWS) < right * ROWS, GOLD, 1 - GOLD)
    probabilities = np.where(answers[:, None] == np.arange(2), 0.9, 0.1)
    timings = np.full(50, microseconds)
    return Contender(name, "", name, probabilities, kilobytes=kilobytes, timings=timings, **more)  # type: ignore[arg-type]


def compared(student: Contender, *peers: Contender, twin: Contender | None = None) -> Comparison:
    twins = {} if twin is None else {student.name: twin}
    return comparison.of(contender("teacher", 0.8, 90_000, 9000), [student], GOLD, 200, 0, twins, peers)


def test_retention_is_accuracy_by_the_teachers_with_an_interval_around_it() -> None:
    [student] = compared(contender("small", 0.76)).students
    assert student.measured.accuracy.value == pytest.approx(0.76)
    assert student.retention.value == pytest.approx(0.95)
    assert student.retention.low < 0.95 < student.retention.high
    assert student.measured.accuracy.n == ROWS
    assert (student.measured.latency_us_p50, student.measured.kilobytes) == (50, 100)


@pytest.mark.parametrize(("right", "verdict"), [(0.6, "better"), (0.745, "level"), (0.8, "worse")])
def test_a_student_and_a_peer_are_compared_row_by_row(right: float, verdict: str) -> None:
    [pair] = compared(contender("small", 0.75), contender("peer", right)).pairs.values()
    assert pair.verdict == verdict
    assert pair.difference.value == pytest.approx(0.75 - right)


@pytest.mark.parametrize(
    ("right", "kilobytes", "microseconds", "beaten"),
    [(0.8, 90, 40, True), (0.7, 90, 40, False), (0.8, 110, 40, False), (0.8, 90, 60, False)],
)
def test_a_peer_beats_a_student_at_once_only_if_it_is_better_in_all_three(
    right: float, kilobytes: float, microseconds: float, beaten: bool
) -> None:
    found = compared(contender("small", 0.75), contender("peer", right, kilobytes, microseconds))
    assert (found.beaten_at_once() == (("small", "peer"),)) is beaten
    said = " ".join(comparison_tables.verdicts(found))
    assert ("peer is better than small" in said) is beaten
    assert ("no peer is better" in said) is not beaten


def test_a_twin_is_set_beside_its_own_student_and_is_no_peer() -> None:
    found = compared(contender("small", 0.75), twin=contender("small, hard labels", 0.78))
    [pair] = found.pairs.values()
    assert pair.difference.value == pytest.approx(-0.03)
    assert found.beaten_at_once() == ()
    assert any("small is not better than its hard-label twin" in line for line in comparison_tables.verdicts(found))


def test_a_larger_peer_that_is_not_beaten_is_named_and_a_smaller_one_is_not() -> None:
    found = compared(contender("small", 0.75), contender("big", 0.75, 500), contender("tiny", 0.75, 10))
    said = [line for line in comparison_tables.verdicts(found) if "larger" in line]
    assert len(said) == 1
    assert "small is not better than big" in said[0]


def test_what_misspelt_words_cost_is_compared_as_a_difference_of_losses() -> None:
    worse = contender("", 0.70).probabilities
    much_worse = contender("", 0.50).probabilities
    found = compared(contender("small", 0.75, perturbed=worse), contender("peer", 0.75, perturbed=much_worse))
    assert found.students[0].perturbed_loss is not None
    assert found.students[0].perturbed_loss.value == pytest.approx(0.05)
    [loss] = found.losses.values()
    assert loss.value == pytest.approx(-0.20)
    assert loss.high < 0
    assert "-0.200*" in comparison_tables.of(found)[-1].rows[0]


def test_misspelt_rows_keep_their_labels_and_are_other_rows() -> None:
    rows = made.opinions(30, 0)
    slips = TEXT.perturb(rows, comparison.PERTURBED, 0)
    assert slips is not None
    assert slips.labels.tolist() == rows.labels.tolist()
    assert set(slips.keys) & set(rows.keys) == set()
    assert slips.columns["text"].tolist() != rows.columns["text"].tolist()
    assert TABULAR.perturb is None


def test_the_tables_name_everyone_and_can_be_read_as_markdown(tmp_path: Path) -> None:
    found = compared(contender("small", 0.75), contender("peer", 0.6), twin=contender("small, hard labels", 0.70))
    shown_tables = comparison_tables.of(found)
    tables.write(shown_tables, tmp_path / "deep" / "compare.md")
    written = (tmp_path / "deep" / "compare.md").read_text()
    console = Console(width=60, record=True, file=(tmp_path / "out").open("w"))
    tables.show(shown_tables, console)
    shown = console.export_text()
    for text in (written, shown):
        for word in ("teacher", "small", "peer", "0.750 (", "+0.150*", "hard labels"):
            assert word in text
    assert "…" not in shown
    rows = [line for line in written.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows if "teacher" in line} == {9}


def test_a_bar_in_a_cell_does_not_part_it() -> None:
    assert "a\\|b" in _markdown(Table("t", ("x",), (("a|b",),)))


def _markdown(table: Table) -> str:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.md"
        tables.write([table], path)
        return path.read_text()
