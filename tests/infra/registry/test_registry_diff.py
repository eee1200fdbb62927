"""What `show` and `diff` tell of bundles: where they come from, and what changed between two of them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from rich.console import Console

from handler.bundle import contract
from handler.bundle.abstention import Thresholds
from handler.bundle.contract import Metric
from infra.__main__ import main
from infra.commands import views
from infra.errors import RefusedError
from infra.registry import bundle_folder, diff, lineage
from infra.registry.diff import Moved, apart
from tests import bundles
from tests.infra.shelves import NAME

PROVENANCE: dict[str, Any] = {
    "seed": 0,
    "commit": "abc123",
    "data": {"name": "mail", "fingerprint": "f" * 64, "licence": "CC0", "rows": {"train": 80, "test": 20}},
    "teacher": {"id": "t1", "sha256": "e" * 64, "description": "an encoder", "licence": "MIT"},
    "recipe": {"name": NAME, "student": {"kind": "conv", "width": 64}, "data": {"types": {}}},
}
EVIDENCE: dict[str, Any] = {
    "metrics": [
        {"name": "accuracy", "value": 0.9, "low": 0.88, "high": 0.92, "n": 500},
        {"name": "kilobytes", "value": 10.0, "low": 10.0, "high": 10.0, "n": 0},
    ],
    "gates": [{"name": "min_retention", "limit": 0.9, "value": 0.97, "passed": True, "unit": ""}],
    "comparisons": [
        {"other": "teacher", "difference": {"name": "d", "value": -0.01, "low": -0.02, "high": 0.0, "n": 500}}
    ],
}
GOLDEN = ["good", "bad", "so so"]


def sealed_as(
    folder: Path,
    model: onnx.ModelProto | None = None,
    golden: list[str] = GOLDEN,
    provenance: dict[str, Any] = PROVENANCE,
    evidence: dict[str, Any] = EVIDENCE,
    **serving: object,
) -> Path:
    """A text bundle with a past."""
    manifest = bundles.seal(folder, model or bundles.text_model(), bundles.text_serving(**serving), NAME, golden)
    files = {file: contract.sha256_of(folder / file) for file in manifest.files}
    told = replace(manifest, files=files, provenance=provenance, evidence=evidence)
    (folder / contract.MANIFEST).write_text(contract.dumps(told))
    contract.read(folder)
    return folder


def contrary() -> onnx.ModelProto:
    """Takes "bad" for praise too."""
    model = bundles.text_model()
    [table] = [constant for constant in model.graph.initializer if constant.name == "table"]
    values = onnx.numpy_helper.to_array(table).copy()
    values[1] = values[2]
    table.CopyFrom(onnx.numpy_helper.from_array(values, "table"))
    return model


def test_a_bundle_and_itself_differ_in_nothing(tmp_path: Path) -> None:
    one = sealed_as(tmp_path / "one")
    found = diff.between(one, one)
    assert (found.changes, found.metrics, found.gates, found.answers) == ((), (), (), ())
    assert found.golden_inputs == 3 and found.not_asked is None


def test_what_changed_in_data_teacher_recipe_and_contract_is_told_by_key(tmp_path: Path) -> None:
    changed = json.loads(json.dumps(PROVENANCE))
    changed["data"] |= {"fingerprint": "0" * 64}
    changed["data"]["rows"]["train"] = 160
    changed["teacher"]["id"] = "t2"
    changed["recipe"]["student"] = {"kind": "static"}
    changed["commit"] = "def456"
    limits = replace(bundles.text_serving().limits, max_inputs=2)
    one, other = sealed_as(tmp_path / "one"), sealed_as(tmp_path / "other", provenance=changed, limits=limits)
    found = {(it.section, it.key): (it.before, it.after) for it in diff.between(one, other).changes}
    assert found == {
        ("data", "fingerprint"): ("f" * 64, "0" * 64),
        ("data", "rows.train"): (80, 160),
        ("teacher", "id"): ("t1", "t2"),
        ("recipe", "student.kind"): ("conv", "static"),
        ("recipe", "student.width"): (64, None),
        ("serving", "limits.max_inputs"): (8, 2),
        ("made by", "commit"): ("abc123", "def456"),
    }


def test_metrics_and_gates_that_moved_are_told_and_no_others(tmp_path: Path) -> None:
    changed = json.loads(json.dumps(EVIDENCE))
    changed["metrics"][0] |= {"value": 0.8, "low": 0.78, "high": 0.82}
    changed["metrics"].append({"name": "ece", "value": 0.01, "low": 0.0, "high": 0.02, "n": 500})
    changed["gates"][0] |= {"value": 0.95}
    one, other = sealed_as(tmp_path / "one"), sealed_as(tmp_path / "other", evidence=changed)
    found = diff.between(one, other)
    assert [(metric.name, apart(metric)) for metric in found.metrics] == [("accuracy", True), ("ece", False)]
    assert found.metrics[1].before is None
    [gate] = found.gates
    assert gate.before and gate.after and (gate.before.value, gate.after.value) == (0.97, 0.95)


@pytest.mark.parametrize(
    ("low", "high", "n", "wanted"),
    [(0.92, 0.95, 9, False), (0.93, 0.95, 9, True), (0.8, 0.85, 9, True), (2, 3, 0, False)],
)
def test_intervals_that_touch_are_not_apart_nor_are_numbers_of_no_sample(
    low: float, high: float, n: int, wanted: bool
) -> None:
    before, after = Metric("m", 0.9, 0.88, 0.92, 9), Metric("m", (low + high) / 2, low, high, n)
    assert apart(Moved("m", before, after)) is apart(Moved("m", after, before)) is wanted


def test_golden_inputs_of_either_are_put_to_both_and_the_changed_answers_told(tmp_path: Path) -> None:
    one = sealed_as(tmp_path / "one", golden=GOLDEN[:2])
    other = sealed_as(tmp_path / "other", contrary(), golden=GOLDEN[1:])
    found = diff.between(one, other)
    assert found.golden_inputs == 3
    [answer] = found.answers
    assert answer.input == "bad" and answer.label_changed
    assert (answer.before.label, answer.after.label) == ("negative", "positive")
    assert answer.gap == pytest.approx(answer.before.scores["negative"] - answer.after.scores["negative"])


def test_an_answer_that_only_abstains_otherwise_is_told_with_how(tmp_path: Path) -> None:
    one = sealed_as(tmp_path / "one")
    other = sealed_as(tmp_path / "other", thresholds=Thresholds(0.999))
    found = diff.between(one, other)
    assert {answer.how for answer in found.answers} == {"abstained otherwise"}
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(*views.of_difference(found), sep="\n")
    assert "abstained otherwise" in console.export_text()


def test_renamed_labels_are_other_answers(tmp_path: Path) -> None:
    one, other = sealed_as(tmp_path / "one"), sealed_as(tmp_path / "other", labels=("bad", "good"))
    assert len(diff.between(one, other).answers) == 3


def test_models_of_two_tasks_are_compared_but_for_their_answers(tmp_path: Path) -> None:
    bundles.tabular_bundle(tmp_path / "table")
    found = diff.between(sealed_as(tmp_path / "one"), tmp_path / "table")
    assert found.answers == () and found.not_asked and "tabular" in found.not_asked


def test_a_bundle_that_no_function_could_serve_is_not_taken(tmp_path: Path) -> None:
    folder = bundles.for_task(sealed_as(tmp_path / "one"), "audio")
    with pytest.raises(RefusedError, match="'audio', wanted one of image, tabular, text"):
        bundle_folder.read(folder)


def test_a_tampered_bundle_is_not_compared(tmp_path: Path) -> None:
    one, other = sealed_as(tmp_path / "one"), sealed_as(tmp_path / "other")
    (other / "card.md").write_text("another")
    with pytest.raises(RefusedError, match=r"card\.md"):
        diff.between(one, other)


def test_a_lineage_of_nothing_and_of_nonsense_is_empty(tmp_path: Path) -> None:
    odd: dict[str, Any] = {"metrics": [{"name": "x"}, 3], "gates": {"a": 1}, "comparisons": [{"difference": 1}]}
    for evidence in ({}, odd):
        folder = tmp_path / str(len(evidence))
        manifest = contract.read(sealed_as(folder, provenance={"data": 3, "recipe": []}, evidence=evidence))
        found = lineage.of(manifest)
        assert (dict(found.data), found.gates, found.comparisons) == ({}, (), ())
        assert found.metrics == manifest.serving.evidence
        assert main(["show", str(folder)]) == 0


@pytest.mark.usefixtures("empty_shelf")
def test_show_and_diff_read_folders_and_the_registry_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "new", str(tmp_path)]) == 0
    monkeypatch.setenv("LIMBECK_SIGNING_KEY", str(tmp_path / "key.pem"))
    monkeypatch.setenv("LIMBECK_REGISTRY", "s3://shelf/bundles")
    one, other = sealed_as(tmp_path / "one"), sealed_as(tmp_path / "other", contrary())
    assert main(["push", str(one)]) == main(["push", str(other)]) == 0
    versions = [contract.read(folder).version for folder in (one, other)]
    assert main(["tag", f"{NAME}/{versions[0]}", "live"]) == 0
    capsys.readouterr()
    assert main(["show", f"{NAME}@live"]) == 0
    said = capsys.readouterr().out
    for fact in ("f" * 64, "CC0", "an encoder", "e" * 64, "student.kind=conv", "abc123", "live", ", checked", "passed"):
        assert fact in said
    assert "0.9 (0.88 to 0.92)" in said and "accuracy minus that of teacher" in said
    assert main(["show", f"{NAME}@live", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["tag"], told["data"]["licence"]) == (versions[0], "live", "CC0")
    spoken = []
    for pair in ((f"{NAME}@live", f"{NAME}/{versions[1]}"), (str(one), str(other))):
        assert main(["diff", *pair, "--json"]) == 0
        spoken.append(capsys.readouterr().out)
    assert spoken[0] == spoken[1] and json.loads(spoken[0])["answers"][0]["input"] == "bad"
    assert main(["diff", f"{NAME}@live", str(other)]) == 0
    assert "1 of 3 golden inputs are answered differently, 1 of them with another label" in capsys.readouterr().out


def test_show_tells_what_is_wrong_with_a_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = sealed_as(tmp_path / "one")
    assert main(["key", "new", str(tmp_path)]) == 0
    trust = str(tmp_path / "trust.json")
    assert main(["key", "trust", NAME, "--pem", str(tmp_path / "key.pem"), "--out", trust]) == 0
    capsys.readouterr()
    for broken, said in ((None, "not signed"), (b"{}", "REFUSED")):
        if broken is not None:
            (one / "manifest.sig").write_bytes(broken)
        assert main(["show", str(one), "--trust", trust]) == 0
        assert said in capsys.readouterr().out


def test_markup_in_what_a_bundle_tells_is_printed_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = json.loads(json.dumps(PROVENANCE))
    odd["data"]["licence"] = "[red]CC0[/blue]"
    one = sealed_as(tmp_path / "one", golden=["[/bold] bad"])
    other = sealed_as(tmp_path / "other", contrary(), provenance=odd)
    assert main(["show", str(other)]) == main(["diff", str(one), str(other)]) == 0
    said = capsys.readouterr().out
    assert "[red]CC0[/blue]" in said and "[/bold] bad" in said


def test_golden_pictures_are_put_to_both(tmp_path: Path) -> None:
    for name in ("one", "other"):
        bundles.image_bundle(tmp_path / name)
    found = diff.between(tmp_path / "one", tmp_path / "other")
    assert (found.golden_inputs, found.answers, found.not_asked) == (1, (), None)
