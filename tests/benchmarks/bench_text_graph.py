"""What a text costs inside the graph: each kind of student beside an identity graph, and fastText where it is there.

`make bench` prints it. Weights are random, as time does not depend on what they say; all students read the same texts,
of made-up words that are as frequent as words are (Zipf), so that some in each text are unknown.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper
from rich.console import Console
from rich.table import Table

from distill.data.rows import Dataset
from distill.errors import PeerError
from distill.experiments.peers import launch
from distill.experiments.peers.exchange import Questions
from distill.graph import calibrate, export, quantize
from distill.modalities.text.modality import TEXT
from distill.recipe.schema import Student
from handler.bundle import contract
from handler.model.predictor import optimized, session_options
from tests.distill import made

WORDS, MEAN_WORDS, LABELS = 12_000, 16, ("a", "b", "c")
TRAIN, HELD, TIMED = 6000, 400, 60
SHORT = 9  # words of a short text
ROUNDS, WARM_UP = 40, 3
# The default sizes, which `sentiment-quick` has, and those of the ladder: four bits, and misspelt words are mended.
PLAIN = {"vocabulary": Student.model_fields["vocabulary"].default, "embedding": 96}
STUDENTS = {kind: {"kind": kind} | PLAIN for kind in ("static", "conv", "gru")} | {
    name: dict(TEXT.candidates[name]) for name in ("static-64", "conv-128", "gru-96")
}
console = Console()


def _texts(count: int, seed: int, words: Sequence[str]) -> list[str]:
    random = np.random.default_rng(seed)
    shares = 1 / (np.arange(len(words)) + 2.7)
    lengths = random.geometric(1 / MEAN_WORDS, count)
    return [" ".join(random.choice(words, size, p=shares / shares.sum()).tolist()) for size in lengths]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    random = np.random.default_rng(0)
    letters, sizes = list("abcdefghijklmnoprstuvwy"), random.integers(2, 11, WORDS)
    words = sorted({"".join(random.choice(letters, size).tolist()) for size in sizes})
    random.shuffle(words)
    parts = []
    for seed, count in enumerate((TRAIN, HELD, TIMED)):
        texts = _texts(count, seed, words)
        parts.append(made.text_rows(texts, random.integers(0, len(LABELS), count).tolist()))
    return made.dataset_of("text", made.inputs_of(parts[0]), parts, LABELS)


def _session(graph: bytes) -> ort.InferenceSession:
    return ort.InferenceSession(graph, sess_options=session_options(), providers=["CPUExecutionProvider"])


def _identity() -> bytes:
    text, same = (helper.make_tensor_value_info(name, TensorProto.STRING, ["N"]) for name in ("text", "same"))
    graph = helper.make_graph([helper.make_node("Identity", ["text"], ["same"])], "identity", [text], [same])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString()


def _graph(dataset: Dataset, settings: dict[str, object]) -> tuple[bytes, int]:
    """A finished graph, and how many nodes run for an answer: those on weights alone are folded at the start."""
    sizes = {"max_tokens": 256} | settings
    student = made.student(str(sizes.pop("kind")), dataset, **sizes)
    small = quantize.weights(export.graph(student), student.config.bits)
    graph = calibrate.fit(small, student.modality, dataset.train, dataset.validation).graph.model.SerializeToString()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / contract.MODEL
        path.write_bytes(graph)
        return graph, len(onnx.load_from_string(optimized(path, "extended")).graph.node)


def _medians_us(sessions: dict[str, ort.InferenceSession], texts: Sequence[str]) -> dict[str, float]:
    """The mean over texts of each text's median, all in turn, so that a machine whose speed drifts drifts for all."""
    durations: dict[str, list[list[float]]] = {name: [[] for _ in texts] for name in sessions}
    feeds = [{"text": np.array([text], dtype=object)} for text in texts]
    outputs = {name: [value.name for value in session.get_outputs()] for name, session in sessions.items()}
    for number in range(WARM_UP + ROUNDS * TIMED // len(texts)):
        for place, feed in enumerate(feeds):
            for name, session in sessions.items():
                began = time.perf_counter_ns()
                session.run(outputs[name], feed)
                if number >= WARM_UP:
                    durations[name][place].append((time.perf_counter_ns() - began) / 1000)
    return {name: statistics.fmean(map(statistics.median, of_texts)) for name, of_texts in durations.items()}


def _fasttext_us(dataset: Dataset) -> float | str:
    """The same mean for quantised fastText, in its own process, or why there is none."""
    texts = dataset.test.texts.tolist()
    questions = Questions(
        classes=len(LABELS),
        seed=0,
        settings=1,
        timed_rows=len(texts) * ROUNDS,
        max_tokens=256,
        train=dataset.train.texts.tolist(),
        train_labels=dataset.train.labels.tolist(),
        validation=dataset.validation.texts.tolist(),
        validation_labels=dataset.validation.labels.tolist(),
        test=texts * ROUNDS,
    )
    [peer] = (peer for peer in launch.PEERS if peer.name == "fasttext_quantised")
    try:
        answers = launch.run(peer, questions)
    except PeerError as error:
        return str(error)
    return float(np.median(answers.timings.reshape(ROUNDS, len(texts)), axis=0).mean())


def test_a_text_inside_each_graph_beside_an_identity_graph(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path))  # a peer's answers are kept with their timings
    graphs = {name: _graph(dataset, settings) for name, settings in STUDENTS.items()}
    sessions = {"identity": _session(_identity())} | {name: _session(graph) for name, (graph, _) in graphs.items()}
    short = [text for text in dataset.train.texts.tolist() if len(text.split()) == SHORT][:1]
    with capsys.disabled():
        for title, texts in ((f"a text of {SHORT} words", short), (f"{TIMED} texts", dataset.test.texts.tolist())):
            medians = _medians_us(sessions, texts)
            unit = medians["identity"]
            table = Table("", "median", "above", "ratio", "nodes", title=f"{title}, µs", title_justify="left", box=None)
            for name, value in medians.items():
                nodes = str(graphs[name][1]) if name in graphs else "1"
                table.add_row(name, f"{value:.1f}", f"{value - unit:.1f}", f"{value / unit:.1f}", nodes)
            if texts is not short:
                fasttext = _fasttext_us(dataset)
                if isinstance(fasttext, float):
                    table.add_row(
                        "fastText, quantised", f"{fasttext:.1f}", f"{fasttext - unit:.1f}", f"{fasttext / unit:.1f}"
                    )
                else:
                    console.print(f"fastText is not here. {fasttext}")
            console.print(table)
            assert all(value > unit for name, value in medians.items() if name != "identity")
