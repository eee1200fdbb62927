"""What was run here: a line for each run beside its bundles, and runs side by side.

`OUT/runs.jsonl` holds one JSON object a line: when, the bundle ("name/version", null where a gate failed), provenance
(recipe as it was resolved, data, teacher, packages, commit), gates, and of the evidence all that is a number.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from distill.errors import DataError
from distill.reporting.tables import Table, cost, interval, without_empty
from handler.bundle.contract import Metric

if TYPE_CHECKING:
    from distill.pipeline.run import Outcome  # torch and scikit-learn, which a list of runs needs not

FILE = "runs.jsonl"
_SECTIONS = ("recipe", "data", "teacher", "packages")  # of the provenance: what may differ from run to run
_LONG = ("data.notes",)  # told when the run was made
_FINGERPRINT, _DIGITS = "data.fingerprint", 12  # so many tell two sets of rows apart
_WIDEST, _NARROWEST = 72, 24  # characters of all runs' cells side by side, and of one run's
_SHOWN_AS_CONTENDERS = ("accuracy", "nll", "kilobytes", "latency_us_p50")

Entry: TypeAlias = dict[str, Any]


def append(outcome: Outcome, out: Path, seconds: float) -> None:
    """Note a run in `out`. Two runs that end at once both are there: a line is appended by one write."""
    evidence, folder = outcome.evidence, outcome.folder
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "bundle": f"{folder.parent.name}/{folder.name}" if folder else None,
        "origin": dict(outcome.origin),
        "gates": [asdict(gate) for gate in outcome.gates],
        "evidence": {
            "test_rows": evidence.test_rows,
            "judged": evidence.judged,
            "contenders": [asdict(one) for one in evidence.contenders],
            "comparisons": [asdict(one) for one in evidence.comparisons],
            "metrics": [asdict(metric) for metric in evidence.metrics],
        },
    }
    out.mkdir(parents=True, exist_ok=True)
    with (out / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def read(out: Path) -> list[Entry]:
    """The runs noted in `out`, the latest last, each with its number, `run`, from 1.

    Raises:
        DataError: none is noted, or a line is no entry.
    """
    path = out / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(
            f"No run is noted in {path}. `limbeck run RECIPE` notes one; --out names the folder that bundles went to."
        ) from None
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append({"run": number} | json.loads(line))
        except (ValueError, TypeError):
            raise DataError(f"{path}, line {number} is no entry of a run. Delete the line.") from None
    return entries


def named(entries: Sequence[Entry], wanted: Sequence[int]) -> list[Entry]:
    """The runs of these numbers; of none, all.

    Raises:
        DataError: there is no such run.
    """
    for number in wanted:
        if not 1 <= number <= len(entries):
            raise DataError(f"There is no run {number}: the runs here are 1 to {len(entries)}.")
    return [entries[number - 1] for number in wanted] or list(entries)


def listed(entries: Sequence[Entry]) -> Table:
    """One run a row: the student's numbers, and what came of it."""
    headings = (
        "run",
        "at (UTC)",
        "recipe",
        "student",
        "accuracy",
        "log loss",
        "retention",
        "cost a row",
        "KB",
        "µs",
        "bundle",
    )
    return without_empty(Table("runs", headings, tuple(_row(entry) for entry in entries)))


def side_by_side(entries: Sequence[Entry]) -> Table:
    """One run a column: the settings, data and versions that differ, then what was measured of each student."""
    settings = [_settings(entry) for entry in entries]
    keys = dict.fromkeys(key for one in settings for key in one)
    differing = [key for key in keys if len({one.get(key, "") for one in settings}) > 1]
    measured = [_measured(entry) for entry in entries]
    names = dict.fromkeys(name for one in measured for name in one)
    rows = [
        ("at (UTC)", *(_at(entry) for entry in entries)),
        *((key, *(_folded(one.get(key, ""), len(entries)) for one in settings)) for key in differing),
        *((name, *(one.get(name, "") for one in measured)) for name in names),
        ("bundle", *(_came_of(entry) for entry in entries)),
    ]
    return Table("what differs, and what was measured", ("", *(f"run {e['run']}" for e in entries)), tuple(rows))


def _settings(entry: Entry) -> dict[str, str]:
    """What a run was made from, by a key with points."""
    found = dict(_flat({part: entry["origin"].get(part) for part in _SECTIONS}))
    if _FINGERPRINT in found:
        found[_FINGERPRINT] = found[_FINGERPRINT][:_DIGITS]
    return {key: value for key, value in found.items() if key not in _LONG}


def _folded(value: str, runs: int) -> str:
    """A cell on as many lines as it takes for that number of runs to stand beside each other."""
    return "\n".join(textwrap.wrap(value, max(_NARROWEST, _WIDEST // runs)))


def _row(entry: Entry) -> tuple[str, ...]:
    student, recipe = _student(entry), entry["origin"]["recipe"]
    return (
        str(entry["run"]),
        _at(entry),
        recipe["name"],
        recipe["student"]["kind"],
        f"{student['accuracy']['value']:.3f}",
        f"{student['log_loss']['value']:.3f}",
        _metric(entry, "retention"),
        _metric(entry, "realised_cost"),
        cost(student["kilobytes"]),
        cost(student["latency_us_p50"]),
        _came_of(entry),
    )


def _measured(entry: Entry) -> dict[str, str]:
    contenders = entry["evidence"]["contenders"]
    found = {f"accuracy, {one['role']}": interval(Metric(**one["accuracy"])) for one in contenders}
    found |= {f"log loss, {one['role']}": interval(Metric(**one["log_loss"])) for one in contenders}
    student = _student(entry)
    found |= {"KB": cost(student["kilobytes"]), "µs p50": cost(student["latency_us_p50"])}
    rest = (it for it in entry["evidence"]["metrics"] if it["name"] not in _SHOWN_AS_CONTENDERS)
    return found | {it["name"]: f"{it['value']:.4g}" for it in rest}


def _student(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in entry["evidence"]["contenders"] if one["role"] == "student")
    return found


def _metric(entry: Entry, name: str) -> str:
    """A metric's value; nothing where it was not measured."""
    return next((f"{it['value']:.3f}" for it in entry["evidence"]["metrics"] if it["name"] == name), "")


def _came_of(entry: Entry) -> str:
    failed = [gate["name"] for gate in entry["gates"] if not gate["passed"]]
    return str(entry["bundle"] or f"not sealed: {', '.join(failed)}")


def _at(entry: Entry) -> str:
    return f"{datetime.fromisoformat(entry['at']):%Y-%m-%d %H:%M}"


def _flat(tree: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of nested mappings, by a key with points."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
