"""What a caller may ask for beside the predictions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handler.bundle.abstention import Thresholds
from handler.bundle.costs import Costs
from handler.errors import RequestError
from handler.modalities.tabular import TABULAR
from handler.modalities.text import MAX_CHARACTERS, TEXT
from handler.model import explain
from handler.model.predictor import Predictor
from tests import bundles
from tests.handler.conftest import Served, rest_event, serve


def ask(served: Served, inputs: object, **options: object) -> list[dict[str, object]]:
    status, content = served.post(json.dumps({"inputs": inputs, **options}))
    assert status == 200, content
    predictions: list[dict[str, object]] = content["predictions"]
    return predictions


def test_the_requests_threshold_stands_in_for_the_recipes(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path, bundles.text_serving(thresholds=Thresholds(abstain_below=0.999)))
    served = serve(Predictor.load(tmp_path))
    assert ask(served, "good")[0]["abstained"] is True
    assert ask(served, "good", abstain_below=0)[0]["abstained"] is False
    assert ask(served, "good", abstain_below=1)[0]["abstained"] is True


def test_abstentions_under_the_requests_threshold_are_counted(text: Served) -> None:
    ask(text, ["good", "bad"], abstain_below=1)
    assert text.lines()[1]["Abstentions"] == [2]


def test_top_k_gives_the_most_probable_labels_best_first(text: Served) -> None:
    [one] = ask(text, "good", top_k=1)
    assert list(one["scores"]) == ["positive"]  # type: ignore[call-overload]
    [both] = ask(text, "good", top_k=7)
    assert list(both["scores"]) == ["positive", "negative"]  # type: ignore[call-overload]
    assert one["score"] == both["score"]


@pytest.mark.parametrize(
    ("options", "kind", "pointer"),
    [
        ({"abstain_below": "0.5"}, "wrong-type", "/abstain_below"),
        ({"abstain_below": None}, "wrong-type", "/abstain_below"),
        ({"abstain_below": True}, "wrong-type", "/abstain_below"),
        ({"abstain_below": 1.1}, "out-of-range", "/abstain_below"),
        ({"abstain_below": -1e-9}, "out-of-range", "/abstain_below"),
        ({"top_k": 0}, "out-of-range", "/top_k"),
        ({"top_k": 1.5}, "wrong-type", "/top_k"),
        ({"top_k": "1"}, "wrong-type", "/top_k"),
        ({"top_k": False}, "wrong-type", "/top_k"),
        ({"explain": 1}, "wrong-type", "/explain"),
        ({"explain": "true"}, "wrong-type", "/explain"),
        ({"expain": True}, "unknown-key", ""),
    ],
)
def test_an_option_out_of_its_range_gets_422(text: Served, options: dict[str, object], kind: str, pointer: str) -> None:
    status, content = text.post(json.dumps({"inputs": "good", **options}))
    assert (status, content["type"], content["pointer"]) == (422, f"urn:limbeck:problem:{kind}", pointer)


def test_an_unknown_option_is_told_the_nearest_known(text: Served) -> None:
    assert '"explain"' in text.post('{"inputs": "good", "expain": true}')[1]["detail"]


def test_a_span_is_told_by_where_it_stands_and_what_it_did(text: Served) -> None:
    message = "  a good\tfilm \U0001f600 bad"
    [prediction] = ask(text, message, explain=True)
    parts = prediction["contributions"]
    assert [message[part["start"] : part["end"]] for part in parts] == message.split()  # type: ignore[attr-defined]
    assert message.split()[1] not in json.dumps(parts)


def test_a_contribution_is_what_the_label_loses_without_its_span(text: Served, text_predictor: Predictor) -> None:
    [prediction] = ask(text, "good good bad film", explain=True)
    without = ["good bad film", "good bad film", "good good film", "good good bad"]
    label = str(prediction["label"])
    wanted = [prediction["score"] - other.scores[label] for other in text_predictor.predict(without)]  # type: ignore[operator]
    found = [part["contribution"] for part in prediction["contributions"]]  # type: ignore[attr-defined]
    assert np.allclose(found, wanted, atol=1e-6)
    assert found[0] > 0 and found[3] == pytest.approx(0, abs=1e-6)


def test_only_the_columns_that_were_sent_are_explained(tabular: Served) -> None:
    first, second = ask(tabular, [{"age": 70, "colour": "red"}, {"age": 20, "colour": None}], explain=True)
    assert [part["column"] for part in first["contributions"]] == ["age", "colour"]  # type: ignore[attr-defined]
    [age] = second["contributions"]  # type: ignore[misc]
    assert age["column"] == "age"  # type: ignore[index]
    assert age["contribution"] > 0  # type: ignore[index]


def test_a_text_without_words_has_no_contributions(text: Served) -> None:
    assert [answer["contributions"] for answer in ask(text, ["", " \n\t"], explain=True)] == [[], []]


def test_without_explain_there_are_no_contributions(text: Served) -> None:
    assert "contributions" not in ask(text, "good", explain=False)[0]


def test_the_answer_is_the_same_with_and_without_its_explanation(text: Served) -> None:
    [plain], [explained] = ask(text, "good bad good"), ask(text, "good bad good", explain=True)
    assert plain["label"] == explained["label"]
    assert plain["score"] == pytest.approx(explained["score"], abs=1e-5)


def test_a_long_text_is_explained_in_as_many_runs_of_words_as_the_limit_allows(text: Served) -> None:
    message = " ".join(["word"] * 150)  # the tiny bundle's limit is 64
    [prediction] = ask(text, message, explain=True)
    parts = prediction["contributions"]
    assert len(parts) == 64  # type: ignore[arg-type]
    assert " ".join(message[part["start"] : part["end"]] for part in parts) == message  # type: ignore[attr-defined]


def test_many_texts_share_the_limit(text: Served) -> None:
    answers = ask(text, ["a b c d e f g h i j k l"] * 8, explain=True)
    assert [len(answer["contributions"]) for answer in answers] == [8] * 8  # type: ignore[arg-type]


def test_an_explanation_never_copies_more_characters_than_its_bound() -> None:
    records = [" ".join(["word"] * 4000)] * 5
    copies = explain.occlusions(records, TEXT, 100_000)
    assert sum(len(str(copy.record)) for copy in copies) <= MAX_CHARACTERS
    assert {copy.place for copy in copies} == set(range(5))


def test_more_columns_than_may_be_explained_get_413_and_nothing_is_computed() -> None:
    rows = [{f"column {i}": 1.0 for i in range(33)}] * 2
    with pytest.raises(RequestError) as caught:
        explain.occlusions(rows, TABULAR, 64)
    assert (caught.value.status, caught.value.kind, caught.value.pointer) == (413, "too-costly", "/explain")


def test_an_explanation_counts_towards_the_size_of_the_answer(tmp_path: Path) -> None:
    limits = replace(bundles.tabular_serving().limits, max_explained=10**6, max_inputs=10**6, max_body_bytes=10**7)
    bundles.tabular_bundle(tmp_path, bundles.tabular_serving(limits=limits))
    rows = [{"age": 1}] * 15_000
    served = serve(Predictor.load(tmp_path))
    assert served.post(json.dumps({"inputs": rows}))[0] == 200
    status, content = served.post(json.dumps({"inputs": rows, "explain": True}))
    assert (status, content["type"]) == (413, "urn:limbeck:problem:too-many-inputs")


@pytest.fixture
def priced(tmp_path: Path) -> Served:
    bundles.priced_bundle(tmp_path, Costs(((0.0, 1.0), (200.0, 0.0)), 0.95))
    return serve(Predictor.load(tmp_path))


def test_an_answer_says_what_was_decided_and_what_was_most_probable(priced: Served) -> None:
    [answer] = ask(priced, "bad")
    assert answer["label"] == "positive"
    assert answer["score"] == answer["scores"]["positive"] < 0.2
    decision = answer["decision"]
    assert decision["most_probable"] == "negative"
    assert decision["expected_cost"] == decision["expected_costs"]["positive"] == pytest.approx(0.8808, abs=1e-3)
    assert decision["abstaining"] == 0.95
    assert decision["why"].startswith("'negative' at 0.88, but missing 'positive' costs 200")


def test_the_requests_threshold_leaves_what_costs_decide(priced: Served) -> None:
    [dear, cheap] = ask(priced, ["bad bad bad", "good"], abstain_below=0)
    assert (dear["abstained"], cheap["abstained"]) == (False, False)
    [unsure] = ask(priced, "bad", abstain_below=0.9)  # the highest probability, 0.88, and not that of the label
    assert unsure["abstained"] is True
    assert ask(priced, "bad", abstain_below=0.5)[0]["abstained"] is False


def test_fewer_scores_are_fewer_expected_costs_the_cheapest_first(priced: Served) -> None:
    [answer] = ask(priced, "bad", top_k=1)
    assert list(answer["scores"]) == ["negative"]
    assert list(answer["decision"]["expected_costs"]) == ["positive"]


def test_the_model_tells_its_costs_and_one_without_has_none(priced: Served, text: Served) -> None:
    told = [json.loads(it(rest_event(None, path="/model", httpMethod="GET"))["body"]) for it in (priced, text)]
    assert told[0]["costs"] == {"matrix": [[0.0, 1.0], [200.0, 0.0]], "abstain": 0.95}
    assert "costs" not in told[1]
    assert "decision" not in ask(text, "bad")[0]


def test_confidence_in_the_metrics_is_the_highest_probability(priced: Served) -> None:
    ask(priced, "bad")
    assert priced.lines()[1]["Confidence"] == [pytest.approx(0.8808, abs=1e-3)]
