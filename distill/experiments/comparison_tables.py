"""A comparison as tables."""

from __future__ import annotations

from collections.abc import Mapping

from distill.experiments.comparison import Comparison, Pair
from distill.reporting.tables import Table, cost, interval, without_empty
from handler.bundle.contract import Metric


def of(found: Comparison) -> tuple[Table, ...]:
    """All contenders; students against twins; students against peers; what typing errors cost."""
    tables = [_contenders(found)]
    if found.twins:
        tables.append(_twins(found))
    if found.students and found.peers:
        pairs = {names: (pair.difference, pair.verdict != "level") for names, pair in found.pairs.items()}
        tables.append(_pairs("student - peer, accuracy", found, pairs))
    if found.losses:  # of these, the interval decides what is more than chance
        losses = {names: (loss, loss.low > 0 or loss.high < 0) for names, loss in found.losses.items()}
        title = "student - peer, accuracy lost on misspelt rows (below 0: the student loses less)"
        tables.append(_pairs(title, found, losses))
    return tuple(tables)


def verdicts(found: Comparison) -> tuple[str, ...]:
    """Sentences on what the tables show: who is beaten at once, and which larger peers are not beaten."""
    lines = [
        f"{peer} is better than {ours} in accuracy, bytes and microseconds at once"
        for ours, peer in found.beaten_at_once()
    ] or ["no peer is better than a student in accuracy, bytes and microseconds at once"]
    for ours in found.students:
        for peer in found.peers:
            size, other = ours.measured.kilobytes, peer.measured.kilobytes
            pair = found.pairs[ours.name, peer.name]
            if size is not None and other is not None and other >= size and pair.verdict != "better":
                lines.append(
                    f"{ours.name} is not better than {peer.name}, which is larger: "
                    f"{interval(pair.difference, '+')}, p = {pair.mcnemar_p:.2g}"
                )
    lines += [
        f"{name} is not better than its hard-label twin: {interval(found.pairs[name, twin.name].difference, '+')}"
        for name, twin in found.twins.items()
        if found.pairs[name, twin.name].difference.value <= 0
    ]
    return tuple(lines)


def _contenders(found: Comparison) -> Table:
    headings = ("", "accuracy", "macro-F1", "retention", "ECE", "KB", "µs p50", "µs p99", "lost on misspelt")
    rows = [
        (
            one.name,
            interval(one.measured.accuracy),
            interval(one.measured.macro_f1),
            interval(one.retention),
            f"{one.ece.value:.3f}",
            cost(one.measured.kilobytes),
            cost(one.measured.latency_us_p50),
            cost(one.measured.latency_us_p99),
            interval(one.perturbed_loss) if one.perturbed_loss else "",
        )
        for one in (found.teacher, *found.students, *found.peers)
    ]
    return without_empty(Table(f"{found.test_rows:,} test rows, 95% intervals", headings, tuple(rows)))


def _twins(found: Comparison) -> Table:
    rows = []
    for student in found.students:
        if twin := found.twins.get(student.name):
            pair = found.pairs[student.name, twin.name]
            accuracies = (f"{one.measured.accuracy.value:.3f}" for one in (student, twin))
            rows.append((student.name, *accuracies, interval(pair.difference, "+"), f"{pair.mcnemar_p:.2g}"))
    headings = ("", "taught", "hard labels", "difference", "McNemar p")
    return Table("students and their hard-label twins", headings, tuple(rows))


def _pairs(title: str, found: Comparison, differences: Mapping[Pair, tuple[Metric, bool]]) -> Table:
    """A row a student, a column a peer; a star where the difference is more than chance."""

    def cell(names: Pair) -> str:
        difference, clear = differences[names]
        return f"{difference.value:+.3f}{'*' if clear else ''}"

    peers = [peer.name for peer in found.peers]
    rows = tuple((ours.name, *(cell((ours.name, peer)) for peer in peers)) for ours in found.students)
    return Table(f"{title}; * p < 0.05", ("", *peers), rows)
