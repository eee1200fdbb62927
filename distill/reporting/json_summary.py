"""The end of a run, for a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distill.evaluation.evidence import Evidence, GateResult
from handler.bundle.contract import REPORT


def of(evidence: Evidence, gates: Sequence[GateResult], folder: Path | None) -> dict[str, Any]:
    """The bundle's folder, version and report (null where a gate failed), and the evidence as its manifest has it."""
    return {
        "bundle": str(folder) if folder else None,
        "version": folder.name if folder else None,
        "report": str(folder / REPORT) if folder else None,
        "passed": all(gate.passed for gate in gates),
        "evidence": {**evidence.as_json(), "gates": [asdict(gate) for gate in gates]},
    }
