from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from distill.experiments.peers import exchange
from distill.experiments.peers.exchange import Answers, ExchangeError, Head, Labelled, Questions, Task, Trial
from tests.distill.experiments.peers import asked

LABELS = st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True).map(tuple)
FLOATS = st.floats(-10, 10, width=32)


@st.composite
def all_questions(draw: st.DrawFn) -> Questions:
    labels = draw(LABELS)
    places = st.lists(st.integers(0, len(labels) - 1), max_size=5)
    train = [*range(len(labels)), *draw(places)]
    validation = draw(places)
    texts = [tuple(draw(st.lists(st.text(max_size=20), min_size=n, max_size=n))) for n in (len(train), len(validation))]
    task = Task(
        labels=labels,
        seed=draw(st.integers(0, 2**31)),
        settings=draw(st.integers(1, 9)),
        encoder=Path(draw(st.sampled_from(["/a/b", "somewhere/é"]))),
        fitted=draw(st.sampled_from([None, Path("/c")])),
        timed_rows=draw(st.integers(0, 9)),
        max_tokens=draw(st.integers(1, 512)),
    )
    shape = (len(labels), 3)
    head = Head(*(draw(arrays.arrays(np.float32, size, elements=FLOATS)) for size in (shape, shape[:1])))
    return Questions(
        task,
        Labelled(texts[0], tuple(train)),
        Labelled(texts[1], tuple(validation)),
        tuple(draw(st.lists(st.text(max_size=20), max_size=5))),
        draw(st.sampled_from([None, head])),
    )


@settings(deadline=None)  # files are slow on a busy machine
@given(all_questions())
def test_questions_are_read_as_they_were_written(questions: Questions) -> None:
    with tempfile.TemporaryDirectory() as folder:
        exchange.write_questions(Path(folder), questions)
        found = exchange.read_questions(Path(folder))
        assert [found.task, found.train, found.validation, found.test] == [
            questions.task,
            questions.train,
            questions.validation,
            questions.test,
        ]
        assert (found.head is None) == (questions.head is None)
        if found.head is not None and questions.head is not None:
            np.testing.assert_array_equal(found.head.weight, questions.head.weight)
            np.testing.assert_array_equal(found.head.bias, questions.head.bias)


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text()), min_size=1, max_size=3),
    arrays.arrays(np.float32, (4, 3), elements=st.floats(0, 1, width=32)),
    arrays.arrays(np.float64, 2, elements=st.floats(0, 1e6)),
)
def test_answers_are_read_as_they_were_written(
    tried: list[dict[str, object]], probabilities: np.ndarray, timings: np.ndarray
) -> None:
    trials = tuple(Trial(setting, place / 7) for place, setting in enumerate(tried))
    answers = Answers("a thing", 12.5, trials, 0, {"a": "1"}, 0.1, probabilities, probabilities[:2], timings)
    with tempfile.TemporaryDirectory() as folder:
        exchange.write_answers(Path(folder), answers)
        found = exchange.read_answers(Path(folder))
    for field in dataclasses.fields(Answers):
        wanted, got = getattr(answers, field.name), getattr(found, field.name)
        if isinstance(wanted, np.ndarray):
            np.testing.assert_array_equal(got, wanted)
            assert got.dtype == wanted.dtype
        else:
            assert got == wanted


def test_test_rows_go_over_without_their_labels(tmp_path: Path) -> None:
    exchange.write_questions(tmp_path, asked.questions())
    lines = [json.loads(line) for line in (tmp_path / "test.jsonl").read_text().splitlines()]
    assert {tuple(line) for line in lines} == {("text",)}


def test_a_head_of_an_earlier_task_does_not_stay(tmp_path: Path) -> None:
    exchange.write_questions(tmp_path, asked.questions(fitted=tmp_path))
    assert exchange.read_questions(tmp_path).head is not None
    exchange.write_questions(tmp_path, asked.questions())
    assert exchange.read_questions(tmp_path).head is None


def test_a_class_without_a_training_row_is_refused(tmp_path: Path) -> None:
    questions = dataclasses.replace(asked.questions(), train=Labelled(("a", "b"), (1, 1)))
    exchange.write_questions(tmp_path, questions)
    with pytest.raises(ExchangeError, match=r"No training row has label \[0\]"):
        exchange.read_questions(tmp_path)


@pytest.mark.parametrize("file", ["task.json", "train.jsonl", "validation.jsonl", "test.jsonl"])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    exchange.write_questions(tmp_path, asked.questions())
    (tmp_path / file).unlink()
    with pytest.raises(ExchangeError, match=f"There is no {file} in the folder"):
        exchange.read_questions(tmp_path)


def right(questions: Questions) -> Answers:
    even = [np.full((n, 2), 0.5, np.float32) for n in (len(questions.test), len(questions.validation.texts))]
    return Answers("a thing", 1, (Trial({}, 0.5),), 0, {}, 0, *even, np.ones(questions.task.timed_rows))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": np.full((3, 2), 0.5, np.float32)}, r"shape \(3, 2\), wanted \(40, 2\)"),
        ({"test": np.full((40, 2), 0.4, np.float32)}, "The test probabilities are not all between 0 and 1"),
        ({"test": np.tile(np.float32([-0.5, 1.5]), (40, 1))}, "not all between 0 and 1"),
        ({"validation": np.full((60, 2), np.nan, np.float32)}, "The validation probabilities"),
        ({"timings": np.ones(3)}, r"timings have the shape \(3,\), wanted \(20,\)"),
        ({"chosen": 1}, "Setting 1 of 1 was chosen"),
        ({"settings": (Trial({}, 0.5),) * 3}, "wanted one of at most 2"),
    ],
)
def test_answers_that_do_not_fit_the_questions_are_refused(change: dict[str, object], message: str) -> None:
    questions = asked.questions()
    exchange.check(right(questions), questions)
    with pytest.raises(ExchangeError, match=message):
        exchange.check(dataclasses.replace(right(questions), **change), questions)
