"""Arrow's types that no Parquet file can hold today, and the others as they are read beside them."""

from __future__ import annotations

from decimal import Decimal

import pyarrow
import pytest
from pyarrow import compute

from distill.data.readers import arrow_cells


def cells(array: pyarrow.Array) -> list[str]:
    return arrow_cells.read(pyarrow.chunked_array([array])).values


def refusal(array: pyarrow.Array) -> str:
    with pytest.raises(arrow_cells.UnreadableError) as caught:
        cells(array)
    return f"{caught.value}: {caught.value.advice}"


def test_a_null_in_a_dictionary_is_missing() -> None:
    assert cells(pyarrow.DictionaryArray.from_arrays([0, 1, None], ["red", None])) == ["red", "", ""]


def test_a_dictionary_of_points_in_time_in_a_zone_that_nobody_knows_is_read_in_utc() -> None:
    instants = pyarrow.array([0], "int64").cast(pyarrow.timestamp("s", "GMT+2"))
    assert cells(pyarrow.DictionaryArray.from_arrays([0, 0], instants)) == ["1970-01-01 00:00:00Z"] * 2


def test_runs_are_undone() -> None:
    assert cells(compute.run_end_encode(pyarrow.array(["a", "a", None]))) == ["a", "a", ""]


def test_a_decimal_of_tens_is_written_out() -> None:
    assert cells(pyarrow.array([Decimal(1200)], pyarrow.decimal128(10, -2))) == ["1200"]


def test_fractions_of_a_second_are_kept_and_its_zeros_are_not() -> None:
    halves = pyarrow.array([500, 1000], "int64").cast(pyarrow.timestamp("ms"))
    assert cells(halves) == ["1970-01-01 00:00:00.5", "1970-01-01 00:00:01"]


def test_a_view_of_text_that_is_not_utf8_names_its_row() -> None:
    raw = pyarrow.array([b"a", None, b"\xff"], pyarrow.binary_view())
    assert "row 3" in refusal(pyarrow.Array.from_buffers(pyarrow.string_view(), 3, raw.buffers()))


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (pyarrow.array([pyarrow.MonthDayNano([1, 2, 3])]), "a month has no one length: write it as days"),
        (pyarrow.array([[1]], pyarrow.list_view(pyarrow.int32())), "list_view<item: int32>"),
        (
            pyarrow.UnionArray.from_dense(
                pyarrow.array([0], "int8"), pyarrow.array([0], "int32"), [pyarrow.array([1])]
            ),
            "dense_union",
        ),
        (pyarrow.array([10**8], "int32").view(pyarrow.date32()), "row 1 holds a date32[day] out of range"),
    ],
)
def test_what_has_no_cells_says_why(array: pyarrow.Array, wanted: str) -> None:
    assert wanted in refusal(array)
