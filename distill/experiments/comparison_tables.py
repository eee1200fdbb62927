"""The standings of a comparison as tables."""

from __future__ import annotations

from collections.abc import Sequence

from distill.experiments.comparison import Pairing, Standing, Standings
from distill.reporting.tables import Sheet, cost, interval, without_empty


def of(found: Standings) -> tuple[Sheet, ...]:
    """All entrants; students against twins; students against peers; what misspelt words cost."""
    students = [one for one in found.standings if one.role == "student"]
    peers = [one for one in found.standings if one.role == "peer"]
    sheets = [_entrants(found), *_twins(found)]
    if students and peers:
        sheets.append(_pairs("student - peer, accuracy", students, peers, found.of_peers))
        if found.misspelt:
            title = "student - peer, accuracy lost on misspelt rows (below 0: the student loses less)"
            sheets.append(_pairs(title, students, peers, found.misspelt))
    return tuple(sheets)


def verdicts(found: Standings) -> tuple[str, ...]:
    """Sentences on what the tables show: who is beaten at once, and which larger peers are not beaten."""
    lines = [
        f"{peer} is better than {ours} in accuracy, bytes and microseconds at once"
        for ours, peer in found.beaten_at_once()
    ] or ["no peer is better than a student in accuracy, bytes and microseconds at once"]
    size = {one.name: one.kilobytes for one in found.standings}
    for pair in found.of_peers:
        ours, other = size[pair.student], size[pair.other]
        if ours is not None and other is not None and other >= ours and pair.verdict != "better":
            lines.append(
                f"{pair.student} is not better than {pair.other}, which is larger: "
                f"{interval(pair.difference, '+')}, p = {pair.mcnemar_p:.2g}"
            )
    lines += [
        f"{pair.student} is not better than its hard-label twin: {interval(pair.difference, '+')}"
        for pair in found.of_twins
        if pair.difference.value <= 0
    ]
    return tuple(lines)


def _entrants(found: Standings) -> Sheet:
    headings = ("", "accuracy", "macro-F1", "retention", "ECE", "KB", "µs p50", "µs p99", "lost on misspelt")
    rows = [
        (
            one.name,
            interval(one.accuracy),
            interval(one.macro_f1),
            interval(one.retention),
            f"{one.ece.value:.3f}",
            cost(one.kilobytes),
            cost(one.latency_us_p50),
            cost(one.latency_us_p99),
            "" if one.misspelt_loss is None else interval(one.misspelt_loss),
        )
        for one in found.standings
        if one.role != "twin"
    ]
    return without_empty(Sheet(f"{found.test_rows:,} test rows, 95% intervals", headings, tuple(rows)))


def _twins(found: Standings) -> list[Sheet]:
    accuracy = {one.name: one.accuracy for one in found.standings}
    twin = {pair.student: pair.other for pair in found.of_twins}
    rows = [
        (
            pair.student,
            f"{accuracy[pair.student].value:.3f}",
            f"{accuracy[twin[pair.student]].value:.3f}",
            interval(pair.difference, "+"),
            f"{pair.mcnemar_p:.2g}",
        )
        for pair in found.of_twins
    ]
    headings = ("", "taught", "hard labels", "difference", "McNemar p")
    return [Sheet("students and their hard-label twins", headings, tuple(rows))] if rows else []


def _pairs(title: str, students: Sequence[Standing], peers: Sequence[Standing], pairs: Sequence[Pairing]) -> Sheet:
    """A row a student, a column a peer; a star where the difference is more than chance."""
    by_names = {(pair.student, pair.other): pair for pair in pairs}

    def cell(ours: str, other: str) -> str:
        pair = by_names.get((ours, other))
        if pair is None:
            return ""
        return f"{pair.difference.value:+.3f}{'' if pair.verdict == 'level' else '*'}"

    rows = tuple((ours.name, *(cell(ours.name, peer.name) for peer in peers)) for ours in students)
    return Sheet(f"{title}; * p < 0.05", ("", *(peer.name for peer in peers)), rows)
