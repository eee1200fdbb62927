"""The proving ground's verdict as tables, and as sentences on the claims."""

from __future__ import annotations

from collections.abc import Sequence

from distill.evaluation.evidence import TWIN
from distill.experiments.proving_ground import significance
from distill.experiments.proving_ground.measure import BASELINE, STUDENT, TEACHER
from distill.experiments.proving_ground.sets.proving_set import TABLES, TEXTS, ProvingSet
from distill.experiments.proving_ground.significance import Difference
from distill.experiments.proving_ground.verdict import (
    ACCURACY,
    CALIBRATED_ROWS,
    LIKELIHOOD,
    MEASURES,
    NEAR_TEACHER,
    OTHERS,
    Judged,
    SetVerdict,
    Spread,
    Verdict,
)
from distill.reporting.tables import Table, cost, interval

_SHORT = {TEACHER: "teacher", STUDENT: "student", TWIN: "twin", BASELINE: "baseline"}


def of(found: Verdict) -> tuple[Table, ...]:
    """Both measures, then peers and costs, then what failed."""
    tables = [_measured(found, measure) for measure in MEASURES]
    tables.append(_costs(found))
    if found.failures:
        rows = tuple((one.name, str(one.seed), one.reason) for one in found.failures)
        tables.append(Table("sets that failed", ("set", "seed", "reason"), rows))
    return tuple(tables)


def catalogue(sets: Sequence[ProvingSet]) -> Table:
    """What the sets are, and what carries them."""
    rows = tuple((one.name, one.chapter, one.about, one.package, one.licence) for one in sets)
    return Table("the sets", ("set", "", "input -> classes", "package", "licence"), rows)


def sentences(found: Verdict) -> tuple[str, ...]:
    """Each claim, whether it holds, and where it does not."""
    return (*_losses(found), *_gains(found), *_near_teacher(found), *_beaten(found), *_calibration(found))


def _measured(found: Verdict, measure: str) -> Table:
    """A row a set: the four contenders' means, and the student less each of the others."""
    headings = (
        "set",
        "test rows",
        "classes",
        *(_SHORT[name] for name in (TEACHER, STUDENT, TWIN, BASELINE)),
        *(f"student - {_SHORT[other]}" for other in OTHERS),
        "Holm's p",
    )
    rows = []
    for one in found.sets:
        scores = (_spread(one.contenders[name].scores[measure]) for name in (TEACHER, STUDENT, TWIN, BASELINE))
        worst = min(found.adjusted[names] for names in found.adjusted if names[:2] == (one.name, measure))
        differences = (
            _difference(one.differences[measure, other], found.adjusted.get((one.name, measure, other), 1.0))
            for other in OTHERS
        )
        rows.append((one.name, f"{one.rows:,}", str(one.classes), *scores, *differences, f"{worst:.2g}"))
    seeds = max((one.seeds for one in found.sets), default=0)
    title = f"{measure} on test rows, mean ± standard deviation over {seeds} seeds; differences ± standard error"
    return Table(f"{title}; * worse, p < 0.05 after Holm's correction", headings, tuple(rows))


def _costs(found: Verdict) -> Table:
    """A row a set: the student's calibration, bytes and time, and each peer's scores, bytes and time."""
    rows = []
    for one in found.sets:
        student = one.contenders[STUDENT]
        peers = {name: it for name, it in one.contenders.items() if it.role == "peer"}
        best = max(peers, key=lambda name: peers[name].scores[LIKELIHOOD].mean, default=None)
        rows.append(
            (
                one.name,
                "" if one.calibration_error is None else f"{one.calibration_error:.3f}",
                _merits(student),
                "" if best is None else f"{best}: {_merits(peers[best])}",
                _most_accurate(one, peers),
                ", ".join(f"{name} ({measure})" for name, measure in one.beaten_by) or "no",
            )
        )
    headings = (
        "set",
        "ECE",
        "student: log-likelihood, accuracy, KB, µs",
        "most likely peer",
        "most accurate peer",
        "beaten at once by",
    )
    return Table("calibration, costs and peers", headings, tuple(rows))


def _most_accurate(one: SetVerdict, peers: dict[str, Judged]) -> str:
    best = max(peers, key=lambda name: peers[name].scores[ACCURACY].mean, default=None)
    return "" if best is None else f"{best}: {_merits(peers[best])}"


def _merits(one: Judged) -> str:
    scores = f"{one.scores[LIKELIHOOD].mean:.3f}, {one.scores[ACCURACY].mean:.3f}"
    return f"{scores}, {cost(one.kilobytes) or '?'}, {cost(one.microseconds) or '?'}"


def _spread(one: Spread) -> str:
    return f"{one.mean:.3f} ± {one.deviation:.3f}"


def _difference(one: Difference, adjusted: float) -> str:
    return f"{one.value:+.3f} ± {one.error:.3f}{'*' if significance.is_clear(adjusted) else ''}"


def _losses(found: Verdict) -> tuple[str, ...]:
    number = len(found.adjusted)
    if not found.losses:
        return (f"no loss to twin or baseline in any of {number} comparisons after Holm's correction",)
    return tuple(
        f"on {name} the student is worse than the {other} in {measure}: p = {found.adjusted[name, measure, other]:.2g} "
        f"of {number} comparisons, after Holm's correction"
        for name, measure, other in found.losses
    )


def _gains(found: Verdict) -> tuple[str, ...]:
    return tuple(
        f"{chapter}: log-likelihood, student less {other}, mean over {gain.n} sets: {interval(gain, '+')} "
        "by a bootstrap over sets"
        for (chapter, other), gain in found.gains.items()
    )


def _near_teacher(found: Verdict) -> tuple[str, ...]:
    lines = []
    for chapter in (TEXTS, TABLES):
        sets = [one for one in found.sets if one.chapter == chapter]
        far = [one.name for one in sets if not one.near_teacher]
        if sets:
            near = f"{len(sets) - len(far)} of {len(sets)} {chapter} are within {NEAR_TEACHER} of the teacher"
            lines.append(f"{near} in log-likelihood" + (f"; farther below: {', '.join(far)}" if far else ""))
    return tuple(lines)


def _beaten(found: Verdict) -> tuple[str, ...]:
    return tuple(
        f"on {one.name} {peer} is better in {measure}, bytes and microseconds at once"
        for one in found.sets
        for peer, measure in one.beaten_by
    ) or ("no peer is better in a score, bytes and microseconds at once on any set",)


def _calibration(found: Verdict) -> tuple[str, ...]:
    judged = [one for one in found.sets if one.calibration_error is not None]
    if not judged:
        return ()
    listed = ", ".join(
        f"{one.name} {one.calibration_error:.3f} ({one.calibration_error_of_chance:.3f})" for one in judged
    )
    return (
        f"the student's calibration error (ECE) on sets of {CALIBRATED_ROWS:,} test rows or more, in brackets what "
        f"chance alone makes of it were every probability true: {listed}",
    )
