"""Columns of pictures: paths and base64 in files of rows, bytes in Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from distill.data import pixels
from distill.data.encoded import Stored, content
from distill.data.rows import Dataset
from distill.errors import DataError
from tests.distill.data.files import csv_text
from tests.distill.data.pictures import drawn, file, labels_of, load_pictures, put, saved, written

ROWS = 24
LABELS = [("cat", "dog")[row % 2] for row in range(ROWS)]
PATHS = [f"photos/{row}.jpg" for row in range(ROWS)]


@pytest.fixture(autouse=True)
def _own_cache(empty_cache: Path) -> None:
    """What was seen of pictures is kept apart from other tests'."""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for row, path in enumerate(PATHS):
        put(tmp_path / path, file(row))
    return tmp_path


def load_csv(base: Path, cells: Sequence[str], **data: object) -> Dataset:
    rows = zip(cells, [("cat", "dog")[row % 2] for row in range(len(cells))], range(len(cells)), strict=True)
    put(base / "rows.csv", csv_text(("photo", "label", "size"), rows).encode())
    return load_pictures(base, {"source": "csv", "path": "rows.csv", "image": "photo", "label": "label"} | data)


def load_parquet(
    base: Path, column: object, labels: object = LABELS, features: object = None, **data: object
) -> Dataset:
    table = pyarrow.table({"photo": column, "label": labels})
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, row_group_size=7)
    put(base / "rows.parquet", buffer.getvalue())
    return load_pictures(base, {"source": "parquet", "path": "rows.parquet", "image": "photo", "label": "label"} | data)


def bytes_of(dataset: Dataset) -> list[bytes]:
    parts = (dataset.train, dataset.validation, dataset.test)
    return sorted(content(cell) for part in parts for cell in part.columns["pixels"])


WHOLE = sorted(file(row) for row in range(ROWS))


def test_paths_begin_at_the_folder_of_the_file(base: Path) -> None:
    dataset = load_csv(base, PATHS)
    assert bytes_of(dataset) == WHOLE
    assert all(isinstance(cell, Stored) for cell in dataset.train.columns["pixels"])
    assert labels_of(dataset) == sorted(LABELS)


def test_paths_may_be_absolute_have_space_around_them_or_the_separators_of_windows(base: Path) -> None:
    cells = [str(base / PATHS[0]), f" {PATHS[1]} ", PATHS[2].replace("/", "\\"), *PATHS[3:]]
    assert bytes_of(load_csv(base, cells)) == WHOLE


def test_base64_is_a_picture_with_or_without_its_data_url(base: Path) -> None:
    cells = [written(0), f"data:image/jpeg;base64,{written(1)}", written(2).rstrip("="), *map(written, range(3, ROWS))]
    dataset = load_csv(base, cells)
    assert bytes_of(dataset) == WHOLE
    assert dataset.fingerprint == load_csv(base, PATHS).fingerprint  # the same rows, wherever their bytes lie


def test_jsonl_may_hold_paths_and_base64_below_a_key(base: Path) -> None:
    lines = [
        json.dumps({"it": {"photo": PATHS[row] if row % 2 else written(row)}, "label": LABELS[row]})
        for row in range(ROWS)
    ]
    put(base / "rows.jsonl", "\n".join(lines).encode())
    dataset = load_pictures(base, {"source": "jsonl", "path": "rows.jsonl", "image": "it.photo", "label": "label"})
    assert bytes_of(dataset) == WHOLE


def test_missing_files_are_counted_and_named(base: Path) -> None:
    (base / PATHS[5]).unlink()
    dataset = load_csv(base, [*PATHS[:-1], ""])
    said = "\n".join(dataset.notes)
    assert "1 picture left out: 1 (line 7): no such file" in said
    assert len(bytes_of(dataset)) == ROWS - 2


def test_a_column_of_which_most_files_are_missing_is_refused(base: Path) -> None:
    with pytest.raises(
        DataError, match=r"rows.csv, column 'photo' \(data.image\): 24 of 24 files are not there.*line 2"
    ):
        load_csv(base, [f"elsewhere/{path}" for path in PATHS])


@pytest.mark.parametrize(
    "address", ["https://example.com/a.jpg", "http://example.com/b", "s3://bucket/key", "gs://b/k"]
)
def test_nothing_is_fetched_from_an_address(base: Path, address: str) -> None:
    with pytest.raises(DataError, match=r"line 3 holds an address, and Limbeck fetches nothing. Download") as caught:
        load_csv(base, [PATHS[0], address, *PATHS[2:]])
    assert address not in str(caught.value)


@pytest.mark.parametrize(
    "cell", ["x" * 5000, "a\0b.jpg", "data:image/png;base64,&&&", "photos", "/dev/zero", "..", "~"]
)
def test_a_cell_that_names_no_picture_is_left_out(base: Path, cell: str) -> None:
    dataset = load_csv(base, [*PATHS, cell])
    assert bytes_of(dataset) == WHOLE
    assert "1 picture left out" in "\n".join(dataset.notes)
    assert all(len(note) < 400 for note in dataset.notes)


def test_groups_and_a_split_column_hold_for_pictures(base: Path) -> None:
    dataset = load_csv(base, PATHS, group="size", split_by_group=False)
    assert dataset.train.groups is not None
    rows = zip(PATHS, LABELS, ["train"] * 12 + ["dev"] * 6 + ["test"] * 6, strict=True)
    put(base / "rows.csv", csv_text(("photo", "label", "part"), rows).encode())
    data = {"source": "csv", "path": "rows.csv", "image": "photo", "label": "label", "split": "part"}
    split = load_pictures(base, data)
    assert (len(split.train), len(split.validation), len(split.test)) == (12, 6, 6)


def test_a_column_that_is_not_there_is_told_with_the_nearest(base: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'foto' \(data.image\). Did you mean 'photo'"):
        load_csv(base, PATHS, image="foto")


def test_bytes_in_parquet_are_read_one_by_one(base: Path) -> None:
    for kind in (pyarrow.binary(), pyarrow.large_binary()):
        dataset = load_parquet(base, pyarrow.array([file(row) for row in range(ROWS)], kind))
        assert bytes_of(dataset) == WHOLE
        assert all(isinstance(cell, Stored) for cell in dataset.train.columns["pixels"])


def test_hugging_faces_structs_hold_bytes_or_a_path(base: Path) -> None:
    cells = [
        {"bytes": file(row), "path": f"{row}.jpg"} if row % 2 else {"bytes": None, "path": PATHS[row]}
        for row in range(ROWS - 1)
    ]
    dataset = load_parquet(base, [*cells, None])
    assert bytes_of(dataset) == sorted(file(row) for row in range(ROWS - 1))


def test_paths_in_parquet_are_paths(base: Path) -> None:
    assert bytes_of(load_parquet(base, PATHS)) == WHOLE


def test_labels_that_hugging_face_numbers_are_called_by_their_names(base: Path) -> None:
    features = {"photo": {"_type": "Image"}, "label": {"names": ["cat", "dog", "unseen"], "_type": "ClassLabel"}}
    pictures = [file(row) for row in range(ROWS)]
    labels = [row % 2 for row in range(ROWS - 1)] + [-1]
    dataset = load_parquet(base, pictures, pyarrow.array(labels, "int64"), features)
    assert dataset.labels == ("cat", "dog")
    assert "labels are numbers in the file, and are read as the names that it gives them" in dataset.notes
    assert "without a label, for distillation only: 1 row" in dataset.notes


def test_numbers_beyond_the_names_stay_numbers(base: Path) -> None:
    features = {"label": {"names": ["cat"], "_type": "ClassLabel"}}
    dataset = load_parquet(base, [file(row) for row in range(ROWS)], [row % 2 for row in range(ROWS)], features)
    assert dataset.labels == ("0", "1")
    assert any("beyond the 1 name" in note for note in dataset.notes)


def test_the_copy_of_a_parquet_file_is_made_anew_where_it_is_torn(base: Path, empty_cache: Path) -> None:
    pictures = [file(row) for row in range(ROWS)]
    load_parquet(base, pictures)
    [packed] = empty_cache.glob("pictures/*.bin")
    packed.write_bytes(packed.read_bytes()[:100])
    assert bytes_of(load_parquet(base, pictures)) == WHOLE


def test_a_background_of_its_own_stands_in_the_input(base: Path) -> None:
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    put(base / PATHS[0], saved(clear, "PNG"))
    dataset = load_csv(base, PATHS, background="#102030")
    assert dataset.inputs[0].background == "#102030"
    parts = (dataset.train, dataset.validation, dataset.test)
    shown = [pixels.of(cell) for part in parts for cell in part.columns["pixels"]]
    assert [it[5, 5].tolist() for it in shown if it.shape == (32, 32, 3)] == [[0x10, 0x20, 0x30]]
    on_white = load_csv(base, PATHS)
    assert dataset.fingerprint != on_white.fingerprint  # the same files are other pictures


def test_tiny_pictures_are_pointed_out(base: Path) -> None:
    put(base / PATHS[0], saved(drawn(0, 8, 8)))
    assert any("1 picture of under 16 pixels a side" in note for note in load_csv(base, PATHS).notes)
