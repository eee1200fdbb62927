"""The model card: what the student is for, what it was made from, how good it is, and where it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from distill.evaluation.evidence import ClassRow, Evidence, GateResult, GroupRow
from distill.modalities.register import named
from distill.privacy.disclosure import MIN_ROWS
from distill.reporting import caveats, formatting, rendering
from handler.bundle.contract import Serving

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

    Read from `provenance`, as far as they are there: `data` (`name`, `licence`, `fingerprint`, `notes`), `teacher`
    (`id`, `licence`, `sha256`) and `commit`.
    """
    data, trained = (provenance.get(part, {}) for part in ("data", "teacher"))
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
        request=request(serving),
        min_rows=MIN_ROWS,
        rows_are=named(serving.task).rows_are,
        discloses=named(serving.task).discloses,
        metrics=formatting.not_in_table_of_four(evidence.metrics),
        data_name=data.get("name") or NOT_STATED,
        data_licence=data.get("licence") or NOT_STATED,
        fingerprint=data.get("fingerprint") or NOT_STATED,
        notes=data.get("notes", ()),
        teacher_id=trained.get("id") or NOT_STATED,
        teacher_licence=trained.get("licence") or NOT_STATED,
        teacher_hash=trained.get("sha256") or NOT_STATED,
        commit=provenance.get("commit"),
        NOT_STATED=NOT_STATED,
    )


def escape(value: object) -> str:
    """Any text as one line of Markdown that means nothing but itself, in a paragraph and in a table cell."""
    text = formatting.plain(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = re.sub(r"^(\d+(?=[.)])|(?=[#+\-=]))", r"\1\\", text)  # no heading, no list
    return re.sub(r"(?i)\b(https?|ftp|www)(?=[:.])", r"\1&#8203;", text)  # no link that nobody meant


def worst_classes(rows: Sequence[ClassRow]) -> list[ClassRow]:
    """The classes found least often, lowest recall first."""
    return sorted((row for row in rows if row.support), key=lambda row: (row.recall, row.label))[:_WORST]


def worst_groups(rows: Sequence[GroupRow]) -> list[GroupRow]:
    """The groups answered worst, lowest student accuracy first."""
    return sorted((row for row in rows if row.rows), key=lambda row: (row.student_accuracy.value, row.group))[:_WORST]


def request(serving: Serving) -> str:
    """The body of a request with made-up values, as one line of JSON."""
    example = named(serving.task).openapi.example(serving)
    return json.dumps({"inputs": [example]}, ensure_ascii=False).encode("utf-8", "replace").decode()
