from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper

from distill.graph import expected_costs
from distill.graph.export import Graph
from distill.modalities.prelude import IR_VERSION, OPSETS
from handler.bundle import contract, golden
from handler.bundle.costs import Costs
from handler.errors import BundleError
from handler.model import decisions
from handler.model.predictor import Predictor
from tests import bundles


def uniform(classes: int, price: float = 1.0) -> Costs:
    return Costs(tuple(tuple(price * (i != j) for j in range(classes)) for i in range(classes)))


def in_graph(probabilities: np.ndarray, costs: Costs) -> np.ndarray:
    """What the output of a graph says, behind the probabilities as they are."""
    shape = ["N", probabilities.shape[1]]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("given", "probabilities")]
    nodes = [helper.make_node("Identity", ["given"], ["probabilities"])]
    model = helper.make_model(helper.make_graph(nodes, "one", values[:1], values[1:]), opset_imports=OPSETS)
    model.ir_version = IR_VERSION
    whole = expected_costs.added(Graph(model), costs).model
    [found] = ort.InferenceSession(whole.SerializeToString()).run(["expected_costs"], {"given": probabilities})
    return found


logits = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(2, 40)),
    elements=st.floats(-30, 30, width=32) | st.sampled_from([0.0, 1.0, 1.0000001]),
)


@settings(max_examples=60, deadline=None)
@given(given_logits=logits, price=st.sampled_from([1.0, 3.0, 0.1, 1e6]))
def test_where_all_mistakes_cost_the_same_the_most_probable_label_is_decided(
    given_logits: np.ndarray, price: float
) -> None:
    """Whatever the ties, and whatever single precision rounds: a softmax of equal and of nearly equal logits."""
    powers = np.exp(given_logits - given_logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    for found in (in_graph(probabilities, uniform(probabilities.shape[1], price)),) + (
        decisions.expected_costs(probabilities, uniform(probabilities.shape[1], price)),
    ):
        assert decisions.labels(probabilities, found).tolist() == probabilities.argmax(axis=1).tolist()
        assert not decisions.abstained(probabilities, found).any()


@pytest.mark.parametrize("classes", [2, 3, 29, 1000])
def test_probabilities_one_bit_apart_are_told_apart(classes: int) -> None:
    rows = np.full((classes, classes), 1 / classes, np.float32)
    for place in range(classes):
        rows[place, place] = np.nextafter(rows[place, place], np.float32(1))
    for found in (in_graph(rows, uniform(classes)), decisions.expected_costs(rows, uniform(classes))):
        assert decisions.labels(rows, found).tolist() == list(range(classes))


@settings(max_examples=40, deadline=None)
@given(given_logits=logits, seed=st.integers(0, 99), abstain=st.none() | st.floats(0, 3))
def test_the_graph_expects_what_its_probabilities_and_the_matrix_say(
    given_logits: np.ndarray, seed: int, abstain: float | None
) -> None:
    classes = given_logits.shape[1]
    powers = np.exp(given_logits - given_logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    matrix = np.random.default_rng(seed).uniform(0, 50, (classes, classes))
    costs = Costs(tuple(map(tuple, matrix.tolist())), abstain)
    found = in_graph(probabilities, costs)
    assert found.shape == (len(probabilities), classes + (abstain is not None))
    np.testing.assert_allclose(found[:, :classes], probabilities @ matrix, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found, decisions.expected_costs(probabilities, costs), rtol=1e-6)
    if abstain is not None:
        assert set(found[:, classes].tolist()) == {np.float32(abstain)}


def test_of_decisions_that_cost_the_same_the_most_probable_label_comes_first_and_abstaining_last() -> None:
    even = np.array([[0.5, 0.5], [0.25, 0.75]], np.float32)
    found = decisions.expected_costs(even, Costs(((0.0, 0.0), (0.0, 0.0)), 0.0))
    assert decisions.labels(even, found).tolist() == [0, 1]
    assert decisions.abstained(even, found).tolist() == [False, False]
    found = decisions.expected_costs(even, Costs(((0.0, 1.0), (1.0, 0.0)), 0.5))
    assert decisions.abstained(even, found).tolist() == [False, False]  # as dear as either label


def priced(folder: Path, costs: Costs = bundles.DANGEROUS, **changes: object) -> Predictor:
    bundles.priced_bundle(folder, costs, **changes)
    return Predictor.load(folder)


def test_a_mistake_that_costs_much_is_not_risked(tmp_path: Path) -> None:
    predictor = priced(tmp_path)
    sure, unsure, doubtful = predictor.predict(["bad bad bad", "bad", "something"])
    assert (sure.label, sure.abstained) == ("negative", False)
    assert unsure.scores["negative"] == unsure.confidence > 0.85
    assert unsure.decision is not None
    assert unsure.decision.most_probable == "negative"
    assert unsure.abstained
    assert unsure.decision.expected_cost == 0.5
    assert "'negative' at 0.88, but missing 'positive' costs 20" in unsure.decision.why
    assert doubtful.decision is not None
    assert doubtful.label == "positive"


def test_the_decision_says_what_was_most_probable_and_what_spoke_against_it(tmp_path: Path) -> None:
    predictor = priced(tmp_path, Costs(((0.0, 1.0), (200.0, 0.0))))
    [found] = predictor.predict(["bad"])
    assert (found.label, found.abstained) == ("positive", False)
    assert found.score == found.scores["positive"] < 0.5
    assert found.decision is not None
    assert found.decision.why == "'negative' at 0.88, but missing 'positive' costs 200: 'positive' costs least, 0.881"
    assert found.decision.abstaining is None


def test_a_threshold_abstains_beside_the_costs_and_looks_at_the_highest_probability(tmp_path: Path) -> None:
    costs = Costs(((0.0, 1.0), (200.0, 0.0)))
    predictor = priced(tmp_path, costs, thresholds=bundles.Thresholds(abstain_below=0.6))
    cautious, even = predictor.predict(["bad", "something"])
    assert cautious.score < 0.6 <= cautious.confidence  # decided against the most probable label, which is sure enough
    assert (cautious.abstained, even.abstained) == (False, True)


def test_a_matrix_of_another_size_or_with_a_cost_below_zero_is_refused(tmp_path: Path) -> None:
    for costs, wanted in (
        (Costs(((0.0, 1.0),)), "2 rows of 2 costs"),
        (Costs(((0.0, 1.0), (1.0, 0.0, 1.0))), "2 rows of 2 costs"),
        (Costs(((0.0, -1.0), (1.0, 0.0))), "0 or more"),
        (Costs(((0.0, 1.0), (1.0, 0.0)), -0.5), "0 or more"),
    ):
        bundles.seal(tmp_path, bundles.text_model(), bundles.text_serving(costs=costs), "wrong")
        with pytest.raises(BundleError, match=wanted):
            contract.read(tmp_path)


def test_a_graph_without_the_output_that_its_manifest_counts_on_is_refused(tmp_path: Path) -> None:
    bundles.seal(tmp_path, bundles.text_model(), bundles.text_serving(costs=bundles.DANGEROUS), "wrong")
    with pytest.raises(BundleError, match="expected_costs"):
        Predictor.load(tmp_path)


def test_golden_answers_tell_other_costs_apart(tmp_path: Path) -> None:
    [sealed] = priced(tmp_path).predict(["bad"])
    answer = sealed.as_json()
    dearer = answer | {"decision": answer["decision"] | {"expected_costs": {"negative": 2.0, "positive": 0.88}}}
    assert golden.difference(answer, answer) == ""
    assert "expected cost" in golden.difference(dearer, answer)
    without = {name: value for name, value in answer.items() if name != "decision"}
    assert "weighs costs" in golden.difference(without, answer)


def test_a_bundle_without_costs_reads_and_writes_as_before(tmp_path: Path) -> None:
    manifest = bundles.text_bundle(tmp_path)
    assert "costs" not in (tmp_path / "manifest.json").read_text()
    assert '"decision"' not in (tmp_path / "golden.jsonl").read_text()
    assert contract.version_of("0" * 64, manifest.serving) == "988014abf756"
