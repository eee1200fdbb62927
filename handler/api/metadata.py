"""What a model and its server say of themselves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from handler.api.open_inference import EXTENSIONS
from handler.model.predictor import Predictor

SERVER = "limbeck"
SERVER_VERSION = "0.1.0"


def server() -> dict[str, Any]:
    """What `GET /v2` tells, as the Open Inference Protocol has it."""
    return {"name": SERVER, "version": SERVER_VERSION, "extensions": list(EXTENSIONS)}


def model(predictor: Predictor) -> dict[str, Any]:
    """What `GET /model` tells: all that decides an answer, and how good the answers were found to be."""
    serving = predictor.serving
    return {
        "name": predictor.name,
        "version": predictor.version,
        "task": serving.task,
        "inputs": [{"name": column.name, "kind": column.kind, "datatype": column.dtype} for column in serving.inputs],
        "labels": list(serving.labels),
        "thresholds": asdict(serving.thresholds),
        "limits": asdict(serving.limits),
        "evidence": [asdict(metric) for metric in serving.evidence],
        "drift_baseline": asdict(serving.drift_baseline),
    }
