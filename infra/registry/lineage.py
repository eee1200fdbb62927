"""Where a bundle comes from and what was measured of it, read out of its manifest.

`provenance` and `evidence` are open sections: what an older or a foreign sealer left out is None or empty here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handler.bundle.contract import Manifest, Metric


@dataclass(frozen=True)
class Gate:
    """A limit that the bundle had to keep before it was sealed."""

    name: str
    limit: float
    value: float
    passed: bool
    unit: str


@dataclass(frozen=True)
class Lineage:
    """What a bundle was made from, and by what."""

    data: Mapping[str, Any]  # name, fingerprint, licence, rows, notes
    teacher: Mapping[str, Any]  # id, sha256, description, licence
    recipe: Mapping[str, Any]  # dotted key to value
    made_by: Mapping[str, Any]  # seed, commit, python, machine, packages
    metrics: tuple[Metric, ...]
    gates: tuple[Gate, ...]
    comparisons: tuple[Metric, ...]  # the student's accuracy minus another's, named for the other


def of(manifest: Manifest) -> Lineage:
    """The lineage that a manifest tells."""
    provenance, evidence = manifest.provenance, manifest.evidence
    return Lineage(
        data=_mapping(provenance.get("data")),
        teacher=_mapping(provenance.get("teacher")),
        recipe=flat(_mapping(provenance.get("recipe"))),
        made_by={
            key: provenance[key] for key in ("seed", "commit", "python", "machine", "packages") if key in provenance
        },
        metrics=tuple(found for raw in _objects(evidence.get("metrics")) if (found := _metric(raw)))
        or manifest.serving.evidence,
        gates=tuple(gate for raw in _objects(evidence.get("gates")) if (gate := _gate(raw))),
        comparisons=tuple(
            Metric(str(raw.get("other")), found.value, found.low, found.high, found.n)
            for raw in _objects(evidence.get("comparisons"))
            if (found := _metric(_mapping(raw.get("difference"))))
        ),
    )


def flat(nested: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested objects as one: `{"student": {"kind": "conv"}}` -> `{"student.kind": "conv"}`."""
    made: dict[str, Any] = {}
    for key, value in sorted(nested.items()):
        if isinstance(value, Mapping) and value:
            made |= flat(value, f"{above}{key}.")
        else:
            made[f"{above}{key}"] = value
    return made


def _metric(raw: Mapping[str, Any]) -> Metric | None:
    try:
        value, low, high = (float(raw[key]) for key in ("value", "low", "high"))
        return Metric(str(raw["name"]), value, low, high, int(raw["n"]))
    except (KeyError, TypeError, ValueError):
        return None


def _gate(raw: Mapping[str, Any]) -> Gate | None:
    try:
        return Gate(
            name=str(raw["name"]),
            limit=float(raw["limit"]),
            value=float(raw["value"]),
            passed=bool(raw["passed"]),
            unit=str(raw.get("unit") or ""),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _mapping(raw: object) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {}


def _objects(raw: object) -> list[Mapping[str, Any]]:
    return [item for item in raw if isinstance(item, Mapping)] if isinstance(raw, list) else []
