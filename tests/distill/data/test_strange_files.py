"""Files as strangers bring them: each is read as meant, or refused with what to do. The cases: `strange_files/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.errors import DistillError
from tests.distill.data.files import every, load_bytes
from tests.distill.data.strange_files import cells, code_pages, csv, jsonl, other_formats, parquet
from tests.distill.data.strange_files.case import Case, Read, Refused

CASES = (*cells.CASES, *code_pages.CASES, *csv.CASES, *jsonl.CASES, *other_formats.CASES, *parquet.CASES)


def of(expected: type) -> list[object]:
    return [pytest.param(case, id=f"{case.file}: {case.name}") for case in CASES if isinstance(case.expected, expected)]


@pytest.mark.parametrize("case", of(Refused))
def test_what_cannot_be_read_is_refused_with_what_to_do(case: Case, tmp_path: Path) -> None:
    assert isinstance(case.expected, Refused)
    with pytest.raises(DistillError) as caught:
        load_bytes(tmp_path, case.made, case.file, **case.data)
    message = str(caught.value)
    assert [part for part in case.expected.parts if part not in message] == [], message
    assert [part for part in case.expected.never if part in message] == [], message


@pytest.mark.parametrize("case", of(Read))
def test_what_can_be_read_is_read_as_it_was_meant(case: Case, tmp_path: Path) -> None:
    expected = case.expected
    assert isinstance(expected, Read)
    dataset = load_bytes(tmp_path, case.made, case.file, **case.data)
    if expected.kinds is not None:
        assert {item.name: item.kind for item in dataset.inputs} == expected.kinds
    for name, values in expected.values.items():
        assert {None if value != value else value for value in every(dataset, name)} == set(values)
    if expected.labels is not None:
        assert dataset.labels == expected.labels
    notes = "\n".join(note for note in dataset.notes if "near copies" not in note)  # rows of a test are alike
    assert [part for part in expected.notes if part not in notes] == [], notes
    assert [part for part in expected.never if part in notes] == [], notes
    assert not expected.quiet or notes == ""


def test_every_strange_file_has_a_name_of_its_own() -> None:
    names = [(case.file, case.name) for case in CASES]
    assert len(set(names)) == len(names)
