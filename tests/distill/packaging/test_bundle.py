from __future__ import annotations

import functools
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill.data.rows import Dataset
from distill.errors import DistillError
from distill.graph import calibrate, export, quantize
from distill.graph.calibrate import Calibrated
from distill.packaging import bundle
from distill.packaging.bundle import Staged
from distill.recipe.schema import Serving as Config
from handler.bundle import contract
from handler.model.predictor import Predictor
from tests.distill import made
from tests.distill.reporting import evidences


@functools.cache
def dataset(task: str) -> Dataset:
    return made.text_dataset() if task == "text" else made.tabular_dataset()


@functools.cache
def calibrated(task: str) -> Calibrated:
    student = made.student("static" if task == "text" else "mlp", dataset(task))
    small = quantize.weights(export.graph(student))
    return calibrate.fit(small, student.modality, dataset(task).train, dataset(task).validation)


def stage(out: Path, task: str = "text", **config: object) -> Staged:
    return bundle.stage(calibrated(task), dataset(task), Config(**config), "made", out)


def seal(staged: Staged, task: str = "text") -> Path:
    evidence = evidences.evidence(dataset(task).labels, rows=40)
    try:
        return bundle.seal(staged, dataset(task), evidence, evidences.gates(), evidences.PROVENANCE)
    finally:
        bundle.discard(staged)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("task", ["text", "tabular"])
def test_what_is_sealed_reads_back_whole(tmp_path: Path, task: str) -> None:
    folder = seal(stage(tmp_path, task, abstain_below=0.6, max_inputs=5), task)
    manifest = contract.read(folder)
    assert folder == tmp_path / "made" / manifest.version
    assert names(folder) == {"model.onnx", "openapi.json", "golden.jsonl", "manifest.json", "report.html", "card.md"}
    assert set(manifest.files) == names(folder) - {"manifest.json"}
    assert manifest.serving.task == task
    assert manifest.serving.inputs == dataset(task).inputs
    assert manifest.serving.labels == dataset(task).labels
    assert manifest.serving.thresholds.abstain_below == 0.6
    assert manifest.serving.limits.max_inputs == 5
    assert manifest.version == contract.version_of(manifest.files["model.onnx"], manifest.serving)
    assert manifest.provenance == json.loads(json.dumps(evidences.PROVENANCE))
    assert manifest.evidence["test_rows"] == 40
    assert [gate["name"] for gate in manifest.evidence["gates"]] == [gate.name for gate in evidences.gates()]


def test_the_drift_baseline_is_what_the_predictor_says_of_validation_rows(tmp_path: Path) -> None:
    folder = seal(stage(tmp_path, abstain_below=0.7))
    predictor = Predictor.load(folder)
    found = predictor.predict(dataset("text").validation.columns["text"].tolist())
    baseline = predictor.serving.drift_baseline
    assert baseline.rows == len(found) == 40
    assert baseline.mean_confidence == pytest.approx(np.mean([one.score for one in found]), abs=1e-3)
    assert baseline.mean_novelty == pytest.approx(np.mean([one.novelty for one in found]), abs=1e-3)
    assert baseline.abstention_rate == pytest.approx(np.mean([one.abstained for one in found]), abs=1e-3)
    assert sum(baseline.label_shares.values()) == pytest.approx(1)
    assert baseline.label_shares["good"] == pytest.approx(np.mean([one.label == "good" for one in found]), abs=1e-3)


@pytest.mark.parametrize("task", ["text", "tabular"])
def test_golden_answers_are_given_again_by_the_sealed_bundle(tmp_path: Path, task: str) -> None:
    folder = seal(stage(tmp_path, task), task)
    predictor = Predictor.load(folder)
    lines = [json.loads(line) for line in (folder / "golden.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) > 10
    for line in lines:
        [answer] = predictor.predict([line["input"]])
        assert answer.label == line["prediction"]["label"]
        assert answer.scores == pytest.approx(line["prediction"]["scores"], abs=1e-5)
        assert answer.novelty == pytest.approx(line["prediction"]["novelty"], abs=1e-4)


def test_golden_texts_are_none_of_the_users_and_keep_the_limits(tmp_path: Path) -> None:
    folder = seal(stage(tmp_path, max_characters=100))
    texts = [json.loads(line)["input"] for line in (folder / "golden.jsonl").read_text("utf-8").splitlines()]
    assert max(map(len, texts)) <= 100
    assert "" in texts
    assert not set(texts) & set(dataset("text").train.columns["text"].tolist())


def test_no_folder_is_left_staged_after_a_seal(tmp_path: Path) -> None:
    folder = seal(stage(tmp_path))
    assert names(tmp_path / "made") == {folder.name, "latest"}
    assert (tmp_path / "made" / "latest").read_text().strip() == folder.name


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError, OSError])
def test_no_folder_is_left_when_staging_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    def interrupted(*_: object) -> None:
        raise interruption

    monkeypatch.setattr(bundle, "_drift_baseline", interrupted)
    with pytest.raises(interruption):
        stage(tmp_path)
    assert names(tmp_path / "made") == set()


@pytest.mark.parametrize("step", ["_golden", "_take_place", "_headline"])
def test_nothing_is_sealed_or_left_when_sealing_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        seal(stage(tmp_path))
    assert names(tmp_path / "made") == set()


def test_a_seal_that_fails_at_the_last_step_leaves_the_bundle_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = seal(stage(tmp_path))
    content = (folder / "manifest.json").read_bytes()
    staged = stage(tmp_path)
    rename = Path.rename

    def torn(self: Path, target: Path) -> Path:
        if self == staged.folder:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", torn)
    with pytest.raises(KeyboardInterrupt):
        seal(staged)
    assert names(tmp_path / "made") == {folder.name, "latest"}
    assert (folder / "manifest.json").read_bytes() == content


def test_the_same_version_sealed_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first = seal(stage(tmp_path))
    (first / "stray.txt").write_text("left by somebody")
    assert seal(stage(tmp_path)) == first
    assert "stray.txt" not in names(first)
    assert names(tmp_path / "made") == {first.name, "latest"}
    contract.read(first)


def test_another_serving_section_is_another_version_beside_the_first(tmp_path: Path) -> None:
    first, second = seal(stage(tmp_path)), seal(stage(tmp_path, abstain_below=0.9))
    assert first != second
    assert contract.read(first).files["model.onnx"] == contract.read(second).files["model.onnx"]
    assert names(tmp_path / "made") == {first.name, second.name, "latest"}
    assert (tmp_path / "made" / "latest").read_text().strip() == second.name


def test_a_staged_bundle_is_not_served(tmp_path: Path) -> None:
    staged = stage(tmp_path)
    with pytest.raises(Exception, match="never sealed"):
        Predictor.load(staged.folder)
    assert staged.predictor().predict(["the film was good"])[0].label in dataset("text").labels


def test_no_file_of_a_bundle_holds_a_path_of_the_machine(tmp_path: Path) -> None:
    folder = seal(stage(tmp_path))
    for path in folder.iterdir():
        content = path.read_bytes()
        for secret in (tmp_path, Path.cwd(), tempfile.gettempdir() + "/", Path(bundle.__file__).parent):
            assert str(secret).encode() not in content, path.name


def test_a_bundle_can_be_read_by_everybody(tmp_path: Path) -> None:
    folder = seal(stage(tmp_path))
    assert folder.stat().st_mode & 0o777 == 0o755
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in folder.iterdir())


def test_a_file_where_the_out_folder_should_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DistillError, match=r"out/made cannot be written to .*--out") as failure:
        stage(tmp_path / "out")
    assert failure.value.exit_status == 2


def test_evidence_that_is_not_a_number_is_never_sealed(tmp_path: Path) -> None:
    evidence = evidences.evidence(dataset("text").labels, rows=40)
    broken = replace(evidence, metrics=(replace(evidence.metrics[0], value=float("nan")), *evidence.metrics[1:]))
    staged = stage(tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant|nan"):
        bundle.seal(staged, dataset("text"), broken, evidences.gates(), {})
    bundle.discard(staged)
    assert names(tmp_path / "made") == set()
