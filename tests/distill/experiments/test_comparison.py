"""Who stands where in a comparison, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from distill.experiments import comparison, comparison_tables
from distill.experiments.contenders import Entrant, misspelt
from distill.reporting import tables as sheets
from distill.reporting.tables import Sheet
from tests.distill import made

ROWS = 400
GOLD = np.arange(ROWS) % 2


def entrant(
    name: str, role: str, right: float, kilobytes: float = 100, microseconds: float = 50, **more: object
) -> Entrant:
    """One that is right on the first `right` of the rows."""
    answers = np.where(np.arange(ROWS) < right * ROWS, GOLD, 1 - GOLD)
    probabilities = np.where(answers[:, None] == np.arange(2), 0.9, 0.1)
    timings = np.full(50, microseconds)
    return Entrant(name, role, name, probabilities, kilobytes=kilobytes, timings=timings, **more)  # type: ignore[arg-type]


def judged(*entrants: Entrant) -> comparison.Standings:
    return comparison.of([entrant("teacher", "teacher", 0.8, 90_000, 9000), *entrants], GOLD, 200, 0)


def test_retention_is_accuracy_by_the_teachers_with_an_interval_around_it() -> None:
    [_, student] = judged(entrant("small", "student", 0.76)).standings
    assert student.accuracy.value == pytest.approx(0.76)
    assert student.retention.value == pytest.approx(0.95)
    assert student.retention.low < 0.95 < student.retention.high
    assert student.accuracy.n == ROWS
    assert (student.latency_us_p50, student.kilobytes) == (50, 100)


@pytest.mark.parametrize(("right", "verdict"), [(0.6, "better"), (0.745, "level"), (0.8, "worse")])
def test_a_student_and_a_peer_are_compared_row_by_row(right: float, verdict: str) -> None:
    [pair] = judged(entrant("small", "student", 0.75), entrant("peer", "peer", right)).of_peers
    assert pair.verdict == verdict
    assert pair.difference.value == pytest.approx(0.75 - right)


@pytest.mark.parametrize(
    ("right", "kilobytes", "microseconds", "beaten"),
    [(0.8, 90, 40, True), (0.7, 90, 40, False), (0.8, 110, 40, False), (0.8, 90, 60, False)],
)
def test_a_peer_beats_a_student_at_once_only_if_it_is_better_in_all_three(
    right: float, kilobytes: float, microseconds: float, beaten: bool
) -> None:
    found = judged(entrant("small", "student", 0.75), entrant("peer", "peer", right, kilobytes, microseconds))
    assert (found.beaten_at_once() == (("small", "peer"),)) is beaten
    said = " ".join(comparison_tables.verdicts(found))
    assert ("peer is better than small" in said) is beaten
    assert ("no peer is better" in said) is not beaten


def test_a_twin_is_set_beside_its_own_student_and_is_no_peer() -> None:
    found = judged(entrant("small", "student", 0.75), entrant("small, hard labels", "twin", 0.78, of="small"))
    [pair] = found.of_twins
    assert pair.difference.value == pytest.approx(-0.03)
    assert found.of_peers == ()
    assert any("small is not better than its hard-label twin" in line for line in comparison_tables.verdicts(found))


def test_a_larger_peer_that_is_not_beaten_is_named_and_a_smaller_one_is_not() -> None:
    found = judged(
        entrant("small", "student", 0.75), entrant("big", "peer", 0.75, 500), entrant("tiny", "peer", 0.75, 10)
    )
    said = [line for line in comparison_tables.verdicts(found) if "larger" in line]
    assert len(said) == 1
    assert "small is not better than big" in said[0]


def test_what_misspelt_words_cost_is_compared_as_a_difference_of_losses() -> None:
    worse = entrant("", "", 0.70).test
    much_worse = entrant("", "", 0.50).test
    found = judged(
        entrant("small", "student", 0.75, misspelt=worse), entrant("peer", "peer", 0.75, misspelt=much_worse)
    )
    assert found.standings[1].misspelt_loss is not None
    assert found.standings[1].misspelt_loss.value == pytest.approx(0.05)
    [pair] = found.misspelt
    assert pair.difference.value == pytest.approx(-0.20)
    assert pair.verdict == "better" or pair.difference.high < 0


def test_misspelt_rows_keep_their_labels_and_are_other_rows() -> None:
    rows = made.opinions(30, 0)
    slips = misspelt(rows, 0)
    assert slips is not None
    assert slips.labels.tolist() == rows.labels.tolist()
    assert set(slips.keys) & set(rows.keys) == set()
    assert slips.columns["text"].tolist() != rows.columns["text"].tolist()
    assert misspelt(made.tabular_dataset().test, 0) is None


def test_the_tables_name_everyone_and_can_be_read_as_markdown(tmp_path: Path) -> None:
    found = judged(
        entrant("small", "student", 0.75),
        entrant("small, hard labels", "twin", 0.70, of="small"),
        entrant("peer", "peer", 0.6),
    )
    tables = comparison_tables.of(found)
    sheets.write(tables, tmp_path / "deep" / "compare.md")
    written = (tmp_path / "deep" / "compare.md").read_text()
    console = Console(width=60, record=True, file=(tmp_path / "out").open("w"))
    sheets.show(tables, console)
    shown = console.export_text()
    for text in (written, shown):
        for word in ("teacher", "small", "peer", "0.750 (", "+0.150*", "hard labels"):
            assert word in text
    assert "…" not in shown
    rows = [line for line in written.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows if "teacher" in line} == {9}


def test_a_bar_in_a_cell_does_not_part_it() -> None:
    assert "a\\|b" in _markdown(Sheet("t", ("x",), (("a|b",),)))


def _markdown(sheet: Sheet) -> str:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.md"
        sheets.write([sheet], path)
        return path.read_text()
