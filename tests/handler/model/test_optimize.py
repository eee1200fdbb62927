"""The graph derived at the image's build: made only where it answers alike, served only where its record holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from handler.bundle import contract
from handler.bundle.contract import SIGNATURE
from handler.errors import BundleError
from handler.model import optimize, optimized_graph
from handler.model.predictor import RUNTIME, Predictor
from infra.image.staging import stage
from infra.registry.registry import Registry
from tests import bundles

MADE = (contract.OPTIMIZED_MODEL, contract.OPTIMIZED_RECORD)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A sealed text bundle with its derived graph."""
    folder = tmp_path / "bundle"
    bundles.text_bundle(folder)
    optimize.optimize(folder)
    return folder


def serves_derived(folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the derived graph is what `Predictor.load` opens: a spy on what its session is made from."""
    opened: list[object] = []
    make = Predictor.__init__
    monkeypatch.setattr(
        Predictor, "__init__", lambda self, model, *rest: (opened.append(model), make(self, model, *rest))[1]
    )
    assert Predictor.load(folder).predict(["good"])[0].label == "positive"
    return isinstance(opened[-1], bytes)


@pytest.mark.parametrize("modality", ["text", "tabular", "image", "breast-cancer"])
def test_the_derived_graph_answers_as_the_sealed_one(
    sealed: Callable[[str], Path], tmp_path: Path, modality: str
) -> None:
    for file in sealed(modality).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    optimize.optimize(tmp_path)
    one, other = Predictor.load(sealed(modality)), Predictor.load(tmp_path)
    name = one.serving.inputs[0].name
    given = {"text": ["good", "", "bad bad 😀"], "image": [np.full((9, 7, 3), 9, np.uint8)] * 3}
    inputs = given.get(modality) or [{name: None}, {name: 51.5}]
    optimize.check(one, other, inputs)
    assert [it.label for it in one.predict(inputs)] == [it.label for it in other.predict(inputs)]


def test_the_derived_graph_is_served_where_it_fits(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert serves_derived(bundle, monkeypatch)


def test_without_one_the_sealed_graph_is_served(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bundle / contract.OPTIMIZED_RECORD).unlink()
    assert not serves_derived(bundle, monkeypatch)


@pytest.mark.parametrize("key", ["sha256", "source_sha256", "onnxruntime", "level", "machine"])
def test_a_record_that_does_not_hold_here_is_not_believed(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    record = json.loads((bundle / contract.OPTIMIZED_RECORD).read_text())
    (bundle / contract.OPTIMIZED_RECORD).write_text(json.dumps(record | {key: "other"}))
    assert not serves_derived(bundle, monkeypatch)


@pytest.mark.parametrize("text", ["", "[]", "null", '"sha256"', "{", "[" * 100_000, "\x00"])
def test_a_record_that_is_no_record_is_not_believed(bundle: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (bundle / contract.OPTIMIZED_RECORD).write_text(text)
    assert not serves_derived(bundle, monkeypatch)


def test_a_derived_graph_that_was_changed_is_not_served(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = bundles.text_model()
    del other.graph.node[-1].attribute[:]
    (bundle / contract.OPTIMIZED_MODEL).write_bytes(other.SerializeToString())
    assert not serves_derived(bundle, monkeypatch)


def test_a_derived_graph_that_cannot_be_opened_costs_nothing(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = json.loads((bundle / contract.MANIFEST).read_text())["files"][contract.MODEL]
    (bundle / contract.OPTIMIZED_MODEL).write_bytes(b"no graph")
    (bundle / contract.OPTIMIZED_RECORD).write_text(json.dumps(optimized_graph.record(b"no graph", source, RUNTIME)))
    assert not serves_derived(bundle, monkeypatch)


def test_the_sealed_files_are_judged_all_the_same(bundle: Path) -> None:
    model = bundle / contract.MODEL
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(BundleError, match=r"model\.onnx has sha256"):
        Predictor.load(bundle)


def test_a_graph_that_answers_otherwise_fails_the_build_and_leaves_nothing(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(model: Path, level: str) -> bytes:
        graph = onnx.load(model)
        for tensor in graph.graph.initializer:
            if tensor.name == "table":
                tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) * 1.001, "table"))
        return graph.SerializeToString()

    monkeypatch.setattr(optimize, "optimized", wrong)
    assert optimize.main([str(bundle)]) == 1
    assert not any((bundle / name).exists() for name in MADE)


def test_a_bundle_that_is_not_as_sealed_fails_the_build(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / "card.md").write_text("changed")
    assert optimize.main([str(bundle)]) == 1
    assert "card.md" in capsys.readouterr().err
    assert not any((bundle / name).exists() for name in MADE)


def test_the_build_step_wants_one_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert optimize.main([]) == 2
    assert "FOLDER" in capsys.readouterr().err


def test_golden_inputs_that_cannot_be_read_fail_the_build(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path)
    (tmp_path / "golden.jsonl").write_text("no JSON\n")
    manifest = json.loads((tmp_path / contract.MANIFEST).read_text())
    manifest["files"]["golden.jsonl"] = contract.sha256_of(tmp_path / "golden.jsonl")
    (tmp_path / contract.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"golden\.jsonl holds no answer"):
        optimize.optimize(tmp_path)


def test_the_derived_graph_is_neither_staged_nor_pushed(bundle: Path, tmp_path: Path) -> None:
    class Empty:
        name = "bucket"

        def stored(self, prefix: str) -> list[dict[str, str]]:
            return []

    stage(bundle, tmp_path)
    staged = {path.name for path in (tmp_path / ".build" / "bundle").iterdir()}
    plan = Registry(Empty()).plan_push(bundle, lambda folder, manifest, text: b"signature")  # type: ignore[arg-type]
    pushed = {step.file for step in plan.steps}
    assert staged == pushed == {path.name for path in bundle.iterdir()} - set(MADE) | {SIGNATURE}
