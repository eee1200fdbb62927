"""How much of a text an encoder reads where the recipe does not say."""

from __future__ import annotations

import numpy as np
import pytest

from distill.teachers import window


def texts(count: int, length: int) -> np.ndarray:
    return np.full(count, length, np.int64)


@pytest.mark.parametrize(("length", "wanted"), [(5, 32), (32, 32), (33, 48), (100, 128), (300, 384), (5000, 512)])
def test_a_window_is_as_long_as_the_texts_and_no_longer(length: int, wanted: int) -> None:
    assert window.fitting(texts(1000, length), 10, 512) == wanted


def test_a_few_long_texts_are_cut_rather_than_all_windows_widened() -> None:
    few, many = texts(1000, 40), texts(1000, 40)
    few[:10] = 500  # a hundredth
    many[:50] = 500
    assert window.fitting(few, 10, 512) == 48
    assert window.fitting(many, 10, 512) == 512


def test_no_more_is_read_than_the_encoder_has_positions() -> None:
    assert window.fitting(texts(1000, 5000), 10, 128) == 128
    assert window.fitting(texts(1000, 5000), 10, 16) == 16


def test_no_more_is_read_than_the_time_allows_and_never_less_than_the_shortest_window() -> None:
    lengths = texts(10_000, 400)
    found = [window.fitting(lengths, minutes, 512) for minutes in (10, 5, 2, 1, 0.01)]
    assert found == sorted(found, reverse=True)
    assert found[0] == 512 and found[-1] == 32
    assert all(
        np.minimum(lengths, size).sum() <= minutes * 600_000
        for size, minutes in zip(found[:-1], (10, 5, 2, 1), strict=True)
    )


def test_short_texts_take_little_time_in_a_long_window() -> None:
    lengths = texts(10_000, 20)
    lengths[:300] = 500  # all are read in the time, though 10,000 of 512 would not be
    assert window.fitting(lengths, 1, 512) == 512
