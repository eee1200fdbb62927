"""A bundle, its history, and two bundles' difference as tables for people, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from handler.bundle import signature
from handler.bundle.contract import Manifest, Metric
from handler.errors import BundleError
from infra.console import table
from infra.registry import lineage
from infra.registry.diff import Difference, apart
from infra.registry.history import Event

_LONGEST = 70  # characters of an input that are shown
_MOST_ANSWERS = 20
_COLUMNS = ("golden input", "before", "after", "gap", "how")


@dataclass(frozen=True)
class Shown:
    """A bundle, where it is, and what is known of it there."""

    manifest: Manifest
    where: str
    signed: str  # by which key, and whether that was checked, for people
    pushed_at: datetime | None = None
    tag: str | None = None


def signed_by(text: bytes, value: bytes | None, trust: signature.Trust | None, where: object) -> str:
    """Who signed a manifest's bytes, and whether it counts."""
    if value is None:
        return "not signed"
    try:
        if trust is None:
            return f"key {signature.key_of(value, where)}, not checked: no --trust was given"
        return f"key {signature.verify(text, value, trust, where)}, checked"
    except BundleError as error:
        return f"REFUSED: {error}"


def of_bundle(shown: Shown) -> Iterator[RenderableType]:
    """A bundle for people: what it is, where from, and its evidence."""
    manifest, found = shown.manifest, lineage.of(shown.manifest)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _facts(shown, found).items():
        grid.add_row(name, escape(value))
    yield f"[bold]{escape(manifest.name)}/{manifest.version}[/bold]  {escape(shown.where)}"
    yield grid
    yield ""
    named = [(metric.name, metric) for metric in found.metrics]
    named += [(f"accuracy minus that of {metric.name}", metric) for metric in found.comparisons]
    metrics = ((escape(name), _measured(metric), str(metric.n or "")) for name, metric in named)
    yield table("metric", "value (95%)", "rows", rows=metrics, right=("rows",), fold=("metric",))
    gates = [(escape(it.name), _gate(it), "passed" if it.passed else "[red]failed[/red]") for it in found.gates]
    if gates:
        yield ""
        yield table("gate", "value and limit", "", rows=gates)


def as_json(shown: Shown) -> dict[str, Any]:
    """The same as one JSON object."""
    found = lineage.of(shown.manifest)
    return {
        "name": shown.manifest.name,
        "version": shown.manifest.version,
        "where": shown.where,
        "pushed_at": shown.pushed_at.isoformat() if shown.pushed_at else None,
        "tag": shown.tag,
        "signed": shown.signed,
        "task": shown.manifest.serving.task,
        "labels": list(shown.manifest.serving.labels),
        "data": dict(found.data),
        "teacher": dict(found.teacher),
        "recipe": dict(found.recipe),
        "made_by": dict(found.made_by),
        "metrics": [asdict(metric) for metric in found.metrics],
        "gates": [asdict(gate) for gate in found.gates],
        "comparisons": [asdict(metric) for metric in found.comparisons],
        "files": shown.manifest.files,
    }


def of_events(events: Sequence[Event]) -> Table:
    """A history for people, the latest last."""
    return table(
        *("at (UTC)", "what", "version", "details", "by"),
        rows=(
            (
                f"{event.at:%Y-%m-%d %H:%M:%S}",
                event.kind,
                event.version,
                escape("  ".join(f"{key} {value}" for key, value in sorted(event.details.items()) if value)),
                escape(event.by),
            )
            for event in events
        ),
        fold=("details", "by"),
    )


def of_difference(found: Difference) -> Iterator[RenderableType]:
    """Two bundles' difference for people: facts, evidence, gates, answers."""
    changes = [
        (escape(f"{change.section}: {change.key}"), escape(_fact(change.before)), _text(change.after))
        for change in found.changes
    ]
    metrics = [
        (escape(it.name), _measured(it.before), _measured(it.after), "apart" if apart(it) else "")
        for it in sorted(found.metrics, key=lambda moved: not apart(moved))
    ]
    gates = [(escape(it.name), _gate(it.before), _gate(it.after)) for it in found.gates]
    columns = ("changed", "before", "after")
    same = "Data, teacher, recipe and contract are the same."
    yield table(*columns, rows=changes, fold=columns) if changes else same
    yield ""
    intervals = ("metric", "before (95%)", "after (95%)", "")
    yield table(*intervals, rows=metrics, fold=("metric",)) if metrics else "No metric moved."
    yield ""
    yield table("gate", "before", "after", rows=gates, fold=("before", "after")) if gates else "No gate moved."
    yield ""
    yield from _answers(found)


def _answers(found: Difference) -> Iterator[RenderableType]:
    if found.not_asked:
        yield Text(f"No golden input was put to both: {found.not_asked}.")
        return
    labels = sum(answer.label_changed for answer in found.answers)
    yield (
        f"{len(found.answers)} of {found.golden_inputs} golden inputs are answered differently, "
        f"{labels} of them with another label."
    )
    if found.answers:
        rows = (
            (
                _text(_short(answer.input)),
                escape(f"{answer.before.label} {answer.before.score:.3f}"),
                escape(f"{answer.after.label} {answer.after.score:.3f}"),
                f"{answer.gap:.4f}",
                escape(answer.how),
            )
            for answer in sorted(found.answers, key=lambda it: (not it.label_changed, -it.gap))[:_MOST_ANSWERS]
        )
        yield table(*_COLUMNS, rows=rows, right=("gap",), fold=("golden input", "how"))
    if len(found.answers) > _MOST_ANSWERS:
        yield f"and {len(found.answers) - _MOST_ANSWERS} more: --json has all"


def _facts(shown: Shown, found: lineage.Lineage) -> dict[str, str]:
    data, teacher, made_by = found.data, found.teacher, found.made_by
    rows = data.get("rows")
    counted = ", ".join(f"{count} {part}" for part, count in rows.items()) if isinstance(rows, Mapping) else _fact(rows)
    return {
        "tag": shown.tag or "none",
        "pushed at": f"{shown.pushed_at:%Y-%m-%d %H:%M:%S} UTC" if shown.pushed_at else "not known here",
        "signed": shown.signed,
        "task": f"{shown.manifest.serving.task}: {', '.join(shown.manifest.serving.labels)}",
        "data": f"{_fact(data.get('name'))}, {_fact(data.get('licence'))}",
        "rows": counted,
        "fingerprint": _fact(data.get("fingerprint")),
        "teacher": f"{_fact(teacher.get('description'))}, {_fact(teacher.get('licence'))}",
        "teacher id": _fact(teacher.get("id")),
        "weights": f"sha256 {_fact(teacher.get('sha256'))}",
        "recipe": ", ".join(f"{key}={_fact(value)}" for key, value in found.recipe.items()) or _fact(None),
        "seed, commit": f"{_fact(made_by.get('seed'))}, {_fact(made_by.get('commit'))}",
    }


def _measured(metric: Metric | None) -> str:
    if metric is None:
        return "none"
    interval = f" ({metric.low:.4g} to {metric.high:.4g})" if metric.low != metric.high else ""
    return f"{metric.value:.4g}{interval}"


def _gate(gate: lineage.Gate | None) -> str:
    return "none" if gate is None else escape(f"{gate.value:.4g}, limit {gate.limit:.4g} {gate.unit}".rstrip())


def _text(value: Any) -> Text:  # noqa: ANN401 - anything out of JSON
    return Text(_fact(value))


def _fact(value: Any) -> str:  # noqa: ANN401 - anything out of JSON
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(given: object) -> str:
    text = _fact(given)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
