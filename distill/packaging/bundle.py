"""The bundle on disk: staged while it is judged, sealed when every gate passed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from distill.data.rows import Dataset
from distill.errors import DistillError
from distill.evaluation.evidence import Evidence, GateResult
from distill.graph.calibrate import Calibrated
from distill.modalities.register import named
from distill.packaging.openapi import document
from distill.recipe.schema import Serving as Config
from distill.reporting import model_card, report
from distill.reporting.tables import write_text
from distill.runtime import batched
from handler.bundle import contract
from handler.bundle.abstention import Thresholds
from handler.modalities import register
from handler.model import decisions
from handler.model.predictor import Predictor

_HEADLINE = (
    "accuracy", "macro_f1", "retention", "gain_over_twin", "gain_over_baseline", "fidelity", "ece", "novelty_auroc",
    "realised_cost", "argmax_cost", "cost_ratio",
)  # fmt: skip
# Headline numbers are part of the version: fewer digits than two runs of one recipe could differ in.
_HEADLINE_DIGITS = 4


@dataclass(frozen=True)
class Staged:
    """A bundle without a seal: only the code that judges it loads it."""

    folder: Path
    name: str
    serving: contract.Serving  # without evidence yet
    temperature: float

    def predictor(self) -> Predictor:
        """The predictor that ships, on this bundle."""
        return Predictor(self.folder / contract.MODEL, self.serving, self.name, "staged")

    @property
    def kilobytes(self) -> float:
        """Size of the graph, in units of 1000 bytes."""
        return (self.folder / contract.MODEL).stat().st_size / 1000


def check_out(name: str, out: Path) -> None:
    """Find out before the work, not after it, whether a bundle can be written under `out`.

    Raises:
        DistillError: it cannot.
    """
    missing = [folder for folder in (out / name, *(out / name).parents) if not folder.exists()]
    with contextlib.suppress(OSError):  # another run's bundle may have come into them meanwhile
        for made in (_scratch(name, out), *missing):
            made.rmdir()


def stage(calibrated: Calibrated, dataset: Dataset, config: Config, name: str, out: Path) -> Staged:
    """Write the graph to a new folder under `out`/`name` and describe how it is to be served.

    Raises:
        DistillError: `out` cannot be written to.
    """
    folder = _scratch(name, out)
    try:
        return _staged(folder, calibrated, dataset, config, name)
    except BaseException:  # an interruption too: nothing half made stays behind
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _scratch(name: str, out: Path) -> Path:
    """A new, empty folder beside the versions of the bundle."""
    try:
        (out / name).mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".staged-", dir=out / name))
    except OSError as error:
        raise DistillError(
            f"{out / name} cannot be written to ({error.strerror}). Name another folder with --out."
        ) from None


def _staged(folder: Path, calibrated: Calibrated, dataset: Dataset, config: Config, name: str) -> Staged:
    (folder / contract.MODEL).write_bytes(calibrated.graph.model.SerializeToString(deterministic=True))
    serving = contract.Serving(
        task=dataset.task,
        inputs=dataset.inputs,
        labels=dataset.labels,
        thresholds=Thresholds(abstain_below=config.abstain_below),
        limits=contract.Limits(
            max_inputs=config.max_inputs,
            max_characters=config.max_characters,
            max_body_bytes=config.max_body_bytes,
            max_depth=config.max_depth,
            max_explained=config.max_explained,
            max_pixels=config.max_pixels,
        ),
        drift_baseline=contract.DriftBaseline(0, 0.0, 0.0, 0.0, {}),
        evidence=(),
        costs=calibrated.costs,
    )
    staged = Staged(folder, name, serving, calibrated.temperature)
    return replace(staged, serving=replace(serving, drift_baseline=_drift_baseline(staged, dataset)))


def seal(
    staged: Staged,
    dataset: Dataset,
    evidence: Evidence,
    gates: Sequence[GateResult],
    provenance: Mapping[str, Any],
) -> Path:
    """Write what stands beside the graph, the manifest last, and move the folder to its version. Returns it."""
    model_hash = contract.sha256_of(staged.folder / contract.MODEL)
    serving = replace(staged.serving, evidence=tuple(_headline(evidence)))
    version = contract.version_of(model_hash, serving)
    described = document.document(staged.name, version, serving)
    texts = {
        contract.GOLDEN: _golden(staged, dataset),
        contract.OPENAPI: json.dumps(described, indent=1, ensure_ascii=False) + "\n",
        contract.REPORT: report.html(f"{staged.name} {version}", serving, evidence, gates, provenance),
        contract.CARD: model_card.markdown(staged.name, version, serving, evidence, gates, provenance),
    }
    for name, text in texts.items():
        write_text(text, staged.folder / name)
    manifest = contract.Manifest(
        name=staged.name,
        version=version,
        schema=contract.SCHEMA,
        serving=serving,
        files={name: contract.sha256_of(staged.folder / name) for name in contract.SEALED},
        provenance=dict(provenance),
        evidence={**evidence.as_json(), "gates": [asdict(gate) for gate in gates]},
        privacy=contract.NO_PRIVACY_CLAIMED,
    )
    # Back and forth through JSON, so that what is written is what a reader accepts.
    write_text(contract.dumps(contract.parse(json.dumps(asdict(manifest)))), staged.folder / contract.MANIFEST)
    folder = staged.folder.parent / version
    staged.folder.chmod(0o755)
    _take_place(staged.folder, folder)
    contract.read(folder)
    write_text(version + "\n", folder.parent / contract.LATEST)
    return folder


def discard(staged: Staged) -> None:
    """Remove a bundle that was not sealed."""
    shutil.rmtree(staged.folder, ignore_errors=True)


def _take_place(folder: Path, target: Path) -> None:
    """Rename `folder` to `target`; an earlier bundle of the same version makes way."""
    old = target.parent / f".old-{target.name}-{os.getpid()}"
    if target.exists():
        target.rename(old)
    try:
        folder.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _drift_baseline(staged: Staged, dataset: Dataset) -> contract.DriftBaseline:
    predictor, rows = staged.predictor(), dataset.validation
    columns = {column.name: rows.columns[column.name] for column in dataset.inputs}
    probabilities, novelty = batched.run(predictor.run, columns, named(dataset.task).feeds)
    confidence, label, costs = probabilities.max(axis=1), probabilities.argmax(axis=1), staged.serving.costs
    abstained = staged.serving.thresholds.abstains(confidence)
    if costs is not None:
        expected = decisions.expected_costs(probabilities, costs)
        label, abstained = (
            decisions.labels(probabilities, expected),
            abstained | decisions.abstained(probabilities, expected),
        )
    return contract.DriftBaseline(
        rows=len(rows),
        mean_confidence=round(float(confidence.mean()), _HEADLINE_DIGITS),
        mean_novelty=round(float(novelty.mean()), _HEADLINE_DIGITS),
        abstention_rate=round(float(abstained.mean()), _HEADLINE_DIGITS),
        label_shares={
            name: round(float((label == place).mean()), _HEADLINE_DIGITS) for place, name in enumerate(dataset.labels)
        },
    )


def _headline(evidence: Evidence) -> list[contract.Metric]:
    return [
        replace(
            metric,
            value=round(metric.value, _HEADLINE_DIGITS),
            low=round(metric.low, _HEADLINE_DIGITS),
            high=round(metric.high, _HEADLINE_DIGITS),
        )
        for metric in evidence.metrics
        if metric.name in _HEADLINE
    ]


def _golden(staged: Staged, dataset: Dataset) -> str:
    predictor = staged.predictor()
    inputs = named(dataset.task).golden_inputs(dataset.inputs, dataset.train, staged.serving.limits)
    rows = (
        {"input": item, "prediction": predictor.predict(register.check([item], staged.serving))[0].as_json()}
        for item in inputs
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
