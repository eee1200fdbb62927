"""A new kind of input is one folder and a line in each register: from rows to the handler's answer."""

from __future__ import annotations

import importlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from distill.commands.predict import answers
from distill.modalities import register as learned
from distill.modalities import resolve
from distill.pipeline.run import run
from handler.bundle import contract, golden
from handler.modalities import register as served
from tests.handler.conftest import Context, rest_event
from tests.toy_modality import learning, serving

RECIPE = """
[data]
source = "csv"
path = "levels.csv"
columns = ["level"]
label = "label"

[student]
epochs = 20
learning_rate = 0.05

[evaluation]
bootstrap = 100
repeats = 0

[gates]
min_retention = 0.5
allow_worse = true  # it is no contest: one number, and a line through it
max_latency_ms = 1000
"""


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of the toy modality, through the whole spine."""
    monkeypatch.setattr(learned, "MODALITIES", {"level": learning.LEVEL, **learned.MODALITIES})
    monkeypatch.setattr(served, "MODALITIES", {"level": serving.LEVEL, **served.MODALITIES})
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "cache"))
    learning.write_rows(tmp_path / "levels.csv")
    (tmp_path / "levels.toml").write_text(RECIPE)
    recipe, base = resolve.load(tmp_path / "levels.toml")
    assert (recipe.teacher.kind, recipe.student.kind) == ("boosted_trees", "line")
    outcome = run(recipe, base, tmp_path / "out")
    assert outcome.folder is not None, outcome.gates
    return outcome.folder


def test_a_third_modality_goes_from_rows_to_an_answer_of_the_handler(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = contract.read(sealed)
    assert manifest.serving.task == "level"
    monkeypatch.setenv("BUNDLE_DIR", str(sealed))
    monkeypatch.delenv("TRUST_FILE", raising=False)
    monkeypatch.delitem(sys.modules, "handler.app", raising=False)
    function = importlib.import_module("handler.app").lambda_handler
    monkeypatch.delitem(sys.modules, "handler.app")

    def post(body: dict[str, Any], path: str = "/predict") -> tuple[int, dict[str, Any]]:
        answer = function(rest_event(json.dumps(body), path=path), Context())
        return answer["statusCode"], json.loads(answer["body"])

    status, content = post({"inputs": [2.5, -2.5], "explain": True})
    assert status == 200
    assert [it["label"] for it in content["predictions"]] == ["high", "low"]
    assert content["predictions"][0]["contributions"][0]["whole"] is True
    status, problem = post({"inputs": "2.5"})
    assert (status, problem["pointer"]) == (422, "/inputs")
    tensor = {"name": "level", "shape": [1], "datatype": "FP32", "data": [2.5]}
    status, inferred = post({"inputs": [tensor]}, f"/v2/models/{manifest.name}/infer")
    assert status == 200 and inferred["outputs"][2]["data"] == ["high"]
    assert function({"replay": "golden"}, None)["wrong"] == 0
    assert len(golden.read(sealed)) == 4


def test_its_bundle_answers_on_the_command_line_and_describes_itself(sealed: Path) -> None:
    [line] = answers(sealed, None, io.BytesIO(b"2.5\n"))
    assert json.loads(line)["label"] == "high"
    document = json.loads((sealed / contract.OPENAPI).read_text())
    assert "Level" in document["components"]["schemas"]
    assert '{"inputs": [0.5]}' in (sealed / contract.CARD).read_text()
