"""Bundles to release: honest ones, and one that does not answer as its golden file says."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from handler.bundle import contract
from handler.bundle.contract import Manifest
from handler.model.predictor import Predictor
from tests import bundles

_TEXTS = ("good", "bad", "good good bad", "not one word of it", "")


def honest(folder: Path, number: int, name: str = "tiny-text") -> Manifest:
    """An honest bundle. Another number is another version of it."""
    serving = bundles.text_serving()
    serving = replace(serving, limits=replace(serving.limits, max_inputs=8 + number))
    bundles.text_bundle(folder, serving, name)
    predictor = Predictor.load(folder)
    predictions = predictor.predict(_TEXTS)
    rows = [{"input": text, "prediction": asdict(it)} for text, it in zip(_TEXTS, predictions, strict=True)]
    return resealed(folder, "golden.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def broken(folder: Path, number: int, name: str = "tiny-text", how: str = "probability") -> Manifest:
    """A bundle that is sealed as it should be, but whose graph answers one golden input otherwise.

    `how`: in a probability, or in the novelty.
    """
    honest(folder, number, name)
    rows = [json.loads(line) for line in (folder / "golden.jsonl").read_text().splitlines()]
    prediction = rows[2]["prediction"]
    if how == "novelty":
        prediction["novelty"] = abs(prediction["novelty"] - 0.5)
    else:
        for label, change in zip(prediction["scores"], (0.01, -0.01), strict=True):
            prediction["scores"][label] += change
    return resealed(folder, "golden.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def resealed(folder: Path, file: str, text: str) -> Manifest:
    """The bundle with another file, sealed once more."""
    manifest = contract.read(folder)
    (folder / file).write_text(text)
    manifest = replace(manifest, files=manifest.files | {file: contract.sha256_of(folder / file)})
    (folder / contract.MANIFEST).write_text(contract.dumps(manifest))
    return manifest
