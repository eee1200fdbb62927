from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.experiments.peers import exchange
from distill.experiments.peers.exchange import ExchangeError, Questions
from tests.distill.experiments.peers import asked


@settings(deadline=None)  # files are slow on a busy machine
@given(texts=st.lists(st.text(max_size=20), max_size=5), fitted=st.booleans())
def test_questions_are_read_as_they_were_written(
    texts: list[str], fitted: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("asked") / "questions.json"
    questions = replace(asked.questions(fitted=Path("/f") if fitted else None), test=texts)
    exchange.write_questions(path, questions)
    assert Questions(**json.loads(path.read_text())) == questions


def test_test_rows_go_over_without_their_labels(tmp_path: Path) -> None:
    exchange.write_questions(tmp_path / "questions.json", asked.questions())
    written = json.loads((tmp_path / "questions.json").read_text())
    assert [name for name in written if "test" in name] == ["test"]
    assert {type(text) for text in written["test"]} == {str}


EVEN = np.full((40, 2), 0.5, np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": np.full((3, 2), 0.5, np.float32)}, r"shape \(3, 2\), wanted \(40, 2\)"),
        ({"test": np.full((40, 2), 0.4, np.float32)}, "The probabilities are not all between 0 and 1"),
        ({"test": np.tile(np.float32([-0.5, 1.5]), (40, 1))}, "not all between 0 and 1"),
        ({"test": np.full((40, 2), np.nan, np.float32)}, "not all between 0 and 1"),
        ({"timings": np.ones(3)}, r"timings have the shape \(3,\), wanted \(20,\)"),
    ],
)
def test_answers_that_do_not_fit_the_questions_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray], message: str
) -> None:
    fitting = {"test": EVEN, "timings": np.ones(20), "about": json.dumps({"description": "a thing"})}
    np.savez(tmp_path / "right.npz", **fitting)
    assert exchange.read_answers(tmp_path / "right.npz", asked.questions()).about == {"description": "a thing"}
    np.savez(tmp_path / "wrong.npz", **(fitting | change))
    with pytest.raises(ExchangeError, match=message):
        exchange.read_answers(tmp_path / "wrong.npz", asked.questions())
