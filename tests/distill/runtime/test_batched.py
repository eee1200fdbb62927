from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.runtime import batched


def texts(*lengths: int) -> dict[str, np.ndarray]:
    return {"text": np.array(["x" * length for length in lengths], dtype=object)}


@settings(max_examples=100, deadline=None)
@given(lengths=st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_every_row_is_in_one_chunk_and_answers_come_back_in_order(lengths: list[int]) -> None:
    columns = texts(*lengths)
    places = np.concatenate(batched.places(columns))
    assert sorted(places.tolist()) == list(range(len(lengths)))

    def measured(feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        found = np.array([len(text) for text in feed["text"]], np.float32)
        return [found, -found]

    first, second = batched.run(measured, columns)
    assert first.tolist() == lengths
    assert second.tolist() == [-length for length in lengths]


def test_one_long_text_is_not_laid_out_beside_hundreds_of_others() -> None:
    columns = texts(*[200] * 700, 1_000_000, 2_000_000, 6_000_000)
    for chunk in batched.places(columns):
        longest = max(len(columns["text"][place]) for place in chunk.tolist())
        assert len(chunk) == 1 or len(chunk) * longest <= 1 << 22
        assert len(chunk) <= 512


def test_short_texts_fill_their_chunks() -> None:
    assert [len(chunk) for chunk in batched.places(texts(*[10] * 1100))] == [512, 512, 76]


@pytest.mark.parametrize("first", [np.zeros(1100, np.float32), np.array(["a", "long word"] * 550, dtype=object)])
def test_tables_stay_in_the_order_they_have(first: np.ndarray) -> None:
    columns = {"first": first, "second": np.arange(1100, dtype=np.float32)}
    [seconds] = batched.run(lambda feed: [feed["second"]], columns)
    assert np.concatenate(batched.places(columns)).tolist() == seconds.tolist() == list(range(1100))
