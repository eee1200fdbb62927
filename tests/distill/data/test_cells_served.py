"""What training does to a cell, serving does to a value: a file's own cells get the features of their rows."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.commands import predict
from distill.data.rows import concatenated as rows_of_parts
from distill.errors import DataError
from handler.bundle.contract import Input
from handler.errors import RequestError
from handler.modalities import levelling, register
from handler.model.predictor import Predictor
from tests.bundles import tabular_serving
from tests.distill.data import odd_cells
from tests.handler.conftest import serve
from tests.web import subjects

_MARKS = st.sampled_from([*"$€%+-().,' \u00a0\u2009\u200b\ufeff\u2212\u2013=\"'e", "kg", "TRUE", "n/a", ".0"])
_digits = st.text(st.sampled_from("0123456789.,'"), min_size=1, max_size=7)
_numbers = st.tuples(_MARKS | st.just(""), _digits, _MARKS | st.just("")).map("".join)
_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_cells = st.sampled_from(sorted({cell for cells in odd_cells.COLUMNS.values() for cell in cells})) | _numbers | _words
_columns = st.lists(st.tuples(_cells, _cells), min_size=2, max_size=12).map(
    lambda rows: {"one": tuple(row[0] for row in rows), "other": tuple(row[1] for row in rows)}
)


def assert_served_as_read(asked: odd_cells.Asked) -> None:
    """Every row of the file, sent cell by cell as the file has it, reaches the graph as training read it."""
    serving = tabular_serving(inputs=asked.inputs)
    modality = register.named("tabular")
    assert len(asked.inputs) == len(asked.rows[0])
    for place, row in enumerate(asked.rows):
        for column, sent in zip(asked.inputs, row.items(), strict=True):
            wanted = asked.features[column.name][place]
            try:
                [record] = register.check(dict([sent]), serving)
            except RequestError as error:
                assert column.kind == "number" and np.isnan(wanted), (sent, column)  # a rare word among numbers
                assert "no number in the form" in error.detail or error.kind == "out-of-range"
                continue
            for unchecked in (record, dict([sent])):  # in-process Python may send it as it is
                found = modality.arrays([unchecked], serving)[column.name]
                np.testing.assert_array_equal(found, asked.features[column.name][place : place + 1], str(sent))


def test_every_cell_of_an_odd_file_is_served_as_it_was_read() -> None:
    asked = odd_cells.read(odd_cells.COLUMNS)
    kinds = {column.name: column.kind for column in asked.inputs}
    numbers = list(odd_cells.COLUMNS)[8:]
    assert {name for name, kind in kinds.items() if kind == "number"} == set(numbers)
    assert_served_as_read(asked)
    holes = {name: int(np.isnan(asked.features[name]).sum()) for name in numbers}
    assert holes == dict.fromkeys(numbers, 0) | {"with holes": 6}


def test_the_numbers_of_an_odd_file_are_what_a_person_reads() -> None:
    features = odd_cells.read(odd_cells.COLUMNS).features
    assert features["minus"][:6].tolist() == [-1, -2.5, -3, -4, -5, -6]
    assert features["decimal comma"][:6].tolist() == [1.5, -2.25, 3, 129, 0.5, 12.75]
    assert features["english"][:6].tolist() == [1234.5, 2000, 125456, -1000, 7, 12.5]
    assert features["german"][:6].tolist() == [1234.5, 2000, -1000, 7, 12.5, 1234567]
    assert features["spaced"][:6].tolist() == [1234.5, 2000, 1000, 12, 0.5, 1000]
    assert features["spreadsheet"][:6].tolist() == [5, 6, 7, -8, 9.5, 10]
    assert features["other digits"][:6].tolist() == [12, 1.5, 3, 12, 5, 1]
    assert features["money"][:6].tolist() == [5, -6, -7, 8, 1234.5, -9]
    assert features["share"][:6].tolist() == [12, 13, -4, 5.5, -6, 7]
    assert features["weight"][:6].tolist() == [12, 13, 1200, -4, 5.5, -6]
    assert features["padded"][:6].tolist() == ["open", "closed", "open", "closed", "o pen", "o pen"]
    assert set(features["unseen"].tolist()) == {"ab", "cd"}
    assert features["joined"][:6].tolist() == ["👩\u200d🔬", "می\u200cخواهم", "क्\u200dष", "x", "y", "👩🔬"]


@given(_columns)
def test_any_cell_that_a_file_may_hold_is_served_as_it_was_read(columns: dict[str, tuple[str, ...]]) -> None:
    if not any(cell.strip() for cells in columns.values() for cell in cells):
        return
    rows = [row for row in zip(*columns.values(), strict=True) if any(cell.strip() for cell in row)]  # as the reader
    columns = dict(zip(columns, zip(*rows, strict=True), strict=True))
    try:
        asked = odd_cells.read(columns)
    except DataError:
        return  # only a person can tell
    assert_served_as_read(asked)


@given(_words | _numbers)
def test_levelling_twice_changes_nothing(text: str) -> None:
    for level in (levelling.name, levelling.visible, levelling.label, levelling.word):
        assert level(level(text)) == level(text)


@pytest.mark.parametrize(
    ("sent", "notation", "unit"),
    [
        ("1,234", "1234.5", ""),  # the column never had a comma: a thousand and more, or little more than one
        ("1.234", "1234,5", ""),
        ("12 lb", "1234.5", "kg"),
        ("12 %", "1234.5", ""),
        ("12 years", "1234.5", ""),
    ],
)
def test_a_string_that_may_be_two_numbers_or_none_is_refused_with_the_form_wanted(
    sent: str, notation: str, unit: str
) -> None:
    column = Input("size", "float32", "number", notation, unit)
    with pytest.raises(RequestError) as caught:
        register.check({"size": sent}, tabular_serving(inputs=(column,)))
    assert (caught.value.status, caught.value.kind) == (422, "wrong-type")
    assert notation in caught.value.detail and sent not in caught.value.detail


def test_a_word_for_missing_that_training_saw_is_taken_and_any_other_refused() -> None:
    serving = tabular_serving(inputs=(Input("size", "float32", "number", "1234.5", "", ("unknown",)),))
    assert register.check([{"size": "unknown "}, {"size": "N/A"}], serving) == [{"size": None}, {"size": None}]
    with pytest.raises(RequestError, match="no number"):
        register.check({"size": "unknwon"}, serving)


def test_a_bundle_sealed_before_cells_were_levelled_answers_as_it_did() -> None:
    serving = tabular_serving()
    assert register.check({"colour": " True"}, serving) == [{"colour": " True"}]
    with pytest.raises(RequestError, match="a number or null, found a string"):
        register.check({"age": "5"}, serving)


def test_a_files_own_rows_get_their_answers_on_the_command_line_and_from_the_function(tmp_path: Path) -> None:
    dataset = subjects.odd(tmp_path)
    predictor, rows = Predictor.load(tmp_path / "bundle"), odd_cells.rows_of(tmp_path)
    parts = rows_of_parts([dataset.train, dataset.validation, dataset.test])
    probabilities, _ = predictor.run(parts.columns)
    by_number = dict(zip(parts.columns["n"].tolist(), probabilities.tolist(), strict=True))
    wanted = [by_number[float(row["n"].replace(",", "."))] for row in rows]
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    on_the_command_line = [json.loads(line) for line in predict.answers(tmp_path / "bundle", None, io.BytesIO(lines))]
    served = []
    for start in range(0, len(rows), predictor.serving.limits.max_inputs):
        status, answer = serve(predictor).predict(rows[start : start + predictor.serving.limits.max_inputs])
        assert status == 200, answer
        served += answer["predictions"]
    in_process = [asdict(prediction) for prediction in predictor.predict(rows)]
    for found in (on_the_command_line, served, in_process):
        np.testing.assert_allclose([list(it["scores"].values()) for it in found], wanted, atol=1e-6)
