"""Folders of pictures, as strangers bring them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from distill.data import pixels
from distill.data.encoded import Stored, content
from distill.errors import DataError, RecipeError
from distill.recipe import rules
from distill.recipe.schema import Data
from tests.distill.data.pictures import EACH, drawn, file, folder, labels_of, load_folder, put, saved


@pytest.fixture(autouse=True)
def _own_cache(empty_cache: Path) -> None:
    """What was seen of pictures is kept apart from other tests'."""


def notes(path: Path) -> str:
    return "\n".join(load_folder(path).notes)


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_folder(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_sub_folder_is_a_class_and_its_files_stay_on_disk(tmp_path: Path) -> None:
    dataset = load_folder(folder(tmp_path / "pets"))
    assert (dataset.labels, dataset.name, dataset.task) == (("cat", "dog"), "pets", "image")
    assert Counter(labels_of(dataset)) == {"cat": EACH, "dog": EACH}
    assert [(it.name, it.dtype, it.kind, it.background) for it in dataset.inputs] == [
        ("pixels", "uint8", "image", "#ffffff")
    ]
    cell = dataset.train.columns["pixels"][0]
    assert isinstance(cell, Stored) and content(cell) == cell.path.read_bytes()
    assert not dataset.given_split and not dataset.public and dataset.licence == "not stated"


def test_the_order_and_the_names_of_files_do_not_matter(tmp_path: Path) -> None:
    one = load_folder(folder(tmp_path / "one"))
    for path in folder(tmp_path / "other").rglob("*.jpg"):
        path.rename(path.with_name(f"x{99 - int(path.stem)}.jpg"))
    other = load_folder(tmp_path / "other")
    assert one.fingerprint == other.fingerprint
    assert one.test.keys.tolist() == other.test.keys.tolist()


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [("train", "validation", "test"), ("Training", "val", "TEST"), ("train", "dev", "testing")],
)
def test_parts_above_the_classes_are_the_split(tmp_path: Path, train: str, validation: str, test: str) -> None:
    for place, part in enumerate((train, validation, test)):
        folder(tmp_path / "pets" / part, first=100 * place)
    dataset = load_folder(tmp_path / "pets")
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [2 * EACH] * 3
    assert dataset.given_split and dataset.labels == ("cat", "dog")
    assert all(test in str(cell.path) for cell in dataset.test.columns["pixels"])


def test_a_part_that_is_not_there_is_taken_from_train(tmp_path: Path) -> None:
    folder(tmp_path / "pets" / "train")
    folder(tmp_path / "pets" / "test", first=100)
    dataset = load_folder(tmp_path / "pets")
    assert (len(dataset.test), len(dataset.train) + len(dataset.validation)) == (2 * EACH, 2 * EACH)
    assert "no labelled validation row" in "\n".join(dataset.notes)


def test_a_class_that_is_called_train_is_a_class(tmp_path: Path) -> None:
    assert load_folder(folder(tmp_path / "traffic", ("car", "train", "bus"))).labels == ("bus", "car", "train")


def test_parts_beside_other_folders_are_refused(tmp_path: Path) -> None:
    folder(tmp_path / "pets" / "train")
    folder(tmp_path / "pets" / "test", first=100)
    put(tmp_path / "pets" / "masks" / "1.png", file(7, "PNG"))
    assert "'test', 'train', which are parts of a split, and 'masks' beside them" in refusal(tmp_path / "pets")


def test_parts_without_classes_in_them_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "pets" / "train" / "cat.1.jpg", file(1))
    put(tmp_path / "pets" / "test" / "2.jpg", file(2))
    assert "no sub-folder in them says the class" in refusal(tmp_path / "pets")


def test_a_folder_that_an_archive_put_around_the_classes_is_gone_into(tmp_path: Path) -> None:
    folder(tmp_path / "download" / "pets-v2" / "pets")
    put(tmp_path / "download" / "__MACOSX" / "._1.jpg", b"\0")
    dataset = load_folder(tmp_path / "download")
    assert dataset.labels == ("cat", "dog")
    assert "the classes are in pets-v2/pets" in dataset.notes


def test_what_is_no_picture_is_left_out_and_counted(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(root / "cat" / "Thumbs.db", b"\xd0\xcf\x11\xe0")
    put(root / "cat" / ".DS_Store", b"\0")
    put(root / "dog" / "labels.xml", b"<annotation/>")
    put(root / "README.md", b"# pets")
    put(root / "montage.jpg", file(77))
    (root / "fish").mkdir()
    said = notes(root)
    assert "left out: 2 hidden files" in said
    assert "left out: 1 file that is no picture ('labels.xml')" in said
    assert "left out: 1 picture in no class's folder" in said
    assert "without a picture: 'fish'" in said
    assert "README" not in said


def test_pictures_in_deeper_folders_are_of_the_class_above(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(root / "cat" / "2024" / "may" / "1.jpg", file(501))
    assert "1 picture in folders below a class's is of that class" in notes(root)
    assert labels_of(load_folder(root)).count("cat") == EACH + 1


def test_links_are_followed_once_and_those_that_lead_nowhere_counted(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    elsewhere = put(tmp_path / "elsewhere" / "1.jpg", file(600))
    (root / "cat" / "linked.jpg").symlink_to(elsewhere)
    (root / "cat" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (root / "dog" / "again").symlink_to(root / "dog", target_is_directory=True)
    os.mkfifo(root / "dog" / "pipe.jpg")
    said = notes(root)
    assert "left out: 1 link to nowhere" in said
    assert "left out: 1 link to a folder that was read already" in said
    assert "left out: 1 pipe or the like" in said
    assert labels_of(load_folder(root)).count("cat") == EACH + 1


def test_the_content_says_the_format_and_not_the_name(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(root / "cat" / "a.jpg", file(601, "PNG"))
    put(root / "cat" / "b", file(602, "WEBP"))
    put(root / "cat" / "c.dat", file(603, "GIF"))
    put(root / "cat" / "d.png", file(604, "BMP"))
    dataset = load_folder(root)
    assert labels_of(dataset).count("cat") == EACH + 4
    assert not any("left out" in note for note in dataset.notes)


def test_pictures_that_cannot_be_read_are_named_with_the_reason(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    whole = file(700)
    put(root / "cat" / "cut.jpg", whole[: len(whole) // 2])
    put(root / "cat" / "empty.jpg", b"")
    put(root / "dog" / "phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40)
    put(root / "dog" / "page.png", b"<!doctype html><title>Not found</title>")
    dataset = load_folder(root)
    said = "\n".join(dataset.notes)
    assert "4 pictures left out" in said
    for name, reason in (("cut", "cut off"), ("empty", "empty"), ("phone", "HEIC"), ("page", "HTML")):
        assert f"{name}." in said and reason in said
    assert Counter(labels_of(dataset)) == {"cat": EACH, "dog": EACH}


def test_a_huge_picture_is_not_decoded(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    header = bytearray(file(1, "PNG"))
    header[16:24] = (20_000).to_bytes(4, "big") * 2
    put(root / "cat" / "bomb.png", bytes(header))
    assert "bomb.png" in notes(root)


def test_a_folder_of_which_most_cannot_be_read_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    for number in range(30):
        put(root / "cat" / f"x{number}.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes([number] * 40))
    assert "30 of 54 pictures cannot be read" in refusal(root) and "HEIC" in refusal(root)


def test_names_in_any_script_are_classes(tmp_path: Path) -> None:
    names = ("chats élégants", "кот", "猫", "قط")
    assert set(load_folder(folder(tmp_path / "животные", names)).labels) == set(names)


def test_one_name_in_two_forms_of_unicode_is_one_class(tmp_path: Path) -> None:
    folder(tmp_path / "pets" / "train", ("caf\u00e9", "bar"))
    folder(tmp_path / "pets" / "test", ("cafe\u0301", "bar"), first=100)
    assert load_folder(tmp_path / "pets").labels == ("bar", "caf\u00e9")


def test_a_name_that_is_no_text_is_read(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(Path(os.fsdecode(os.fsencode(root / "cat") + b"/\xff\xfe.jpg")), file(800)[:300])
    assert "\ufffd" in notes(root)


def test_classes_that_differ_only_in_case_are_refused(tmp_path: Path) -> None:
    folder(tmp_path / "pets" / "train", ("cat", "dog"))
    folder(tmp_path / "pets" / "test", ("Cat", "dog"), first=100)
    assert "'Cat' (12 rows) and 'cat' (12 rows), which differ only in case" in refusal(tmp_path / "pets")


def test_many_classes_called_by_numbers_are_no_numbers_to_predict(tmp_path: Path) -> None:
    names = tuple(f"{number:03}" for number in range(1, 61))
    for place, name in enumerate(names):
        for number in range(10):
            put(tmp_path / "flowers" / name / f"{number}.png", saved(drawn(100 * place + number, 16, 16), "PNG"))
    assert load_folder(tmp_path / "flowers").labels == names


def test_a_folder_without_classes_is_refused_with_what_is_wanted(tmp_path: Path) -> None:
    put(tmp_path / "pets" / "1.jpg", file(1))
    assert "no picture in a class's folder, and 1 picture beside them" in refusal(tmp_path / "pets")
    assert "cat/1.jpg" in refusal(tmp_path / "pets")


def test_a_copy_and_an_edited_copy_stand_in_one_part(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets", each=30)
    for number in range(30):
        picture = drawn(number)
        put(root / "cat" / f"small{number}.jpg", saved(picture.resize((48, 36)), quality=80))
    put(root / "cat" / "again.jpg", file(3))
    dataset = load_folder(root)
    said = "\n".join(dataset.notes)
    assert "1 exact duplicate dropped" in said
    assert "60 rows are near copies of others, in 30 families" in said
    parts = [part for part in (dataset.train, dataset.validation, dataset.test) for _ in range(len(part))]
    families = [key[:12] for part in (dataset.train, dataset.validation, dataset.test) for key in part.keys]
    assert all(len({id(parts[i]) for i, it in enumerate(families) if it == name}) == 1 for name in set(families))


def test_a_file_that_changes_while_limbeck_runs_is_noticed(tmp_path: Path) -> None:
    dataset = load_folder(folder(tmp_path / "pets"))
    cell = dataset.train.columns["pixels"][0]
    cell.path.write_bytes(file(999))
    with pytest.raises(DataError, match=r"\.jpg was changed while Limbeck ran"):
        cell.read()


def test_pictures_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path / "pets")
    first = load_folder(root)
    put(root / "cat" / "new.jpg", file(901))
    looked: list[object] = []
    monkeypatch.setattr(pixels, "decoded", lambda cell: looked.append(cell) or np.zeros((4, 4, 3), np.uint8))
    again = load_folder(root)
    assert len(again.train) + len(again.validation) + len(again.test) == 2 * EACH + 1
    assert 1 <= len(looked) <= 3  # the new one, and those in its drawer
    assert first.fingerprint != again.fingerprint


def test_a_folder_may_be_said_to_be_public(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    assert load_folder(root, public=True).public
    assert not load_folder(root, public=False).public


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"source": "folder"}, "needs data.path"),
        ({"source": "folder", "path": "x", "label": "y"}, "data.label is for files of rows"),
        ({"source": "folder", "path": "x", "image": "y"}, "data.image is for files of rows"),
        ({"source": "imagefolder", "path": "x"}, "Set source = 'folder'"),
        ({"source": "csv", "path": "x", "label": "y", "image": "a", "text": "b"}, "data.image is of pictures"),
        ({"source": "csv", "path": "x", "label": "y", "text": "a", "background": "#000000"}, "data.background is of"),
        ({"source": "fashion-mnist", "image": "y"}, "data.image is for files"),
    ],
)  # fmt: skip
def test_keys_that_do_not_go_together_are_refused(data: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        rules.check_data(Data.model_validate(data))
    assert said in str(caught.value)


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "rows.csv", b"a,b\n1,2\n")
    with pytest.raises(DataError, match="is a file, wanted the folder"):
        load_folder(tmp_path / "rows.csv")
