"""The torch handler that `make bench-cold` sets beside ours gives the answers of the graph."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from handler.model.predictor import Predictor
from tests import bundles
from tests.benchmarks import torch_student
from tests.benchmarks.bench_cold import TEXTS
from tests.benchmarks.cold_images import HERE
from tests.web import subjects

ASK = """
import json, sys, torch_handler
for text in json.load(sys.stdin):
    answer = torch_handler.lambda_handler({"body": json.dumps({"inputs": text})}, None)
    print(json.dumps(json.loads(answer["body"])["predictions"][0]["score"]))
"""


def test_the_torch_handler_answers_as_the_graph_does(tmp_path: Path) -> None:
    bundle, task = tmp_path / "bundle", tmp_path / "task"
    subjects.opinion(bundle)
    task.mkdir()
    torch_student.of(bundle).save(task)
    shutil.copy(HERE / "torch_handler.py", task)
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(command, cwd=task, input=json.dumps(TEXTS), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = [prediction.score for prediction in Predictor.load(bundle).predict(list(TEXTS))]
    assert [float(line) for line in done.stdout.splitlines()] == pytest.approx(expected, abs=1e-5)


def test_a_bundle_without_a_convolution_is_refused(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path)
    with pytest.raises(torch_student.NotConvolutional, match="Use a bundle such as sentiment-quick"):
        torch_student.of(tmp_path)
