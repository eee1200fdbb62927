"""The model card: what the student is for, what it was made from, how good it is, and where it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from distill.evaluation.evidence import ClassRow, Evidence, GateResult, GroupRow
from distill.reporting import caveats, formatting, rendering
from handler.bundle.contract import Input, Serving

NOT_STATED = "not stated"
_WORST = 3
_SPECIAL = re.compile(r"[\\`*\[\]|~$]|(?<!\w)_|_(?!\w)")


def markdown(
    name: str,
    version: str,
    serving: Serving,
    evidence: Evidence,
    gates: Sequence[GateResult],
    provenance: Mapping[str, Any],
) -> str:
    """The card as Markdown (CommonMark with tables). Users' text is escaped; same arguments, same bytes.

    Read from `provenance` where it is there: `data` (`name`, `licence`, `fingerprint`, `notes`, `public`), `teacher`
    (`id`, `licence`, `sha256`), `recipe`, `commit`; or flat, as `licence`, `fingerprint`, `teacher_id` and so on.
    """
    environment = rendering.environment(is_html=False)  # Markdown has rules of its own
    environment.filters["md"] = escape
    return environment.get_template("card.md.j2").render(
        name=name,
        version=version,
        serving=serving,
        evidence=evidence,
        gates=[formatting.gate_of(gate) for gate in gates],
        student=evidence.contender("student"),
        teacher=evidence.contender("teacher"),
        worst_classes=worst_classes(evidence.per_class),
        worst_groups=worst_groups(evidence.per_group),
        caveats=caveats.of(evidence),
        untested=[row.label for row in evidence.per_class if not row.support],
        request=request(serving.inputs),
        metrics=formatting.not_in_table_of_four(evidence.metrics),
        data_name=stated(provenance, "data", "name", "source"),
        data_licence=stated(provenance, "data", "licence", "license"),
        fingerprint=stated(provenance, "data", "fingerprint"),
        notes=notes(provenance),
        teacher_id=stated(provenance, "teacher", "id", "model"),
        teacher_licence=stated(provenance, "teacher", "licence", "license"),
        teacher_hash=stated(provenance, "teacher", "sha256", "hash"),
        commit=provenance.get("commit"),
        NOT_STATED=NOT_STATED,
    )


def escape(value: object) -> str:
    """Any text as one line of Markdown that means nothing but itself, in a paragraph and in a table cell."""
    text = formatting.plain(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = re.sub(
        r"^([#+\-=]|\d+[.)])", lambda found: f"\\{found[0]}" if len(found[0]) == 1 else _numbered(found[0]), text
    )
    return re.sub(r"(?i)\b(https?|ftp|www)(?=[:.])", r"\1&#8203;", text)  # no link that nobody meant


def _numbered(marker: str) -> str:
    return f"{marker[:-1]}\\{marker[-1]}"


def worst_classes(rows: Sequence[ClassRow]) -> list[ClassRow]:
    """The classes found least often, lowest recall first."""
    return sorted((row for row in rows if row.support), key=lambda row: (row.recall, row.label))[:_WORST]


def worst_groups(rows: Sequence[GroupRow]) -> list[GroupRow]:
    """The groups answered worst, lowest student accuracy first."""
    return sorted((row for row in rows if row.rows), key=lambda row: (row.student_accuracy.value, row.group))[:_WORST]


def request(inputs: Sequence[Input]) -> str:
    """The body of a request with made-up values, as one line of JSON."""
    if len(inputs) == 1 and inputs[0].kind == "text":
        return json.dumps({"inputs": ["some text"]})
    values = {"number": 1.5, "category": "some category", "text": "some text"}
    row = {column.name: values.get(column.kind) for column in inputs}
    return json.dumps({"inputs": [row]}, ensure_ascii=False).encode("utf-8", "replace").decode()


def stated(provenance: Mapping[str, Any], section: str, *keys: str) -> str:
    """The first of `keys` in a section of the provenance, or at its top, alone or with the section's name before it."""
    part = provenance.get(section)
    inside = part if isinstance(part, Mapping) else {}
    flat = keys if section == "data" else ()
    places = [inside.get(key) for key in keys]
    places += [provenance.get(key) for key in (*(f"{section}_{key}" for key in keys), *flat) if key != "name"]
    places += [part] if isinstance(part, str) and keys[0] in ("id", "name") else []
    return next((str(found) for found in places if isinstance(found, str) and found), NOT_STATED)


def notes(provenance: Mapping[str, Any]) -> list[str]:
    """What loading the data noticed and did."""
    data = provenance.get("data")
    found = (data.get("notes") if isinstance(data, Mapping) else None) or provenance.get("notes") or []
    return [found] if isinstance(found, str) else [str(note) for note in found]
