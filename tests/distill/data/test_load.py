from __future__ import annotations

import random
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill.data.rows import UNLABELLED, Dataset
from distill.errors import DataError
from distill.recipe.schema import Data
from tests.distill.data.files import PATIENT, csv_text, every, load_bytes, load_data, mails, patients


def load_mails(folder: Path, *extra: tuple[str, str], **data: object) -> Dataset:
    return load_bytes(folder, csv_text(("body", "label"), [*mails(), *extra]), text="body", **data)


def refusal(folder: Path, content: bytes | str, **data: object) -> str:
    with pytest.raises(DataError) as caught:
        load_bytes(folder, content, **data)
    assert caught.value.exit_status == 2
    return str(caught.value)


def parts_by_key(dataset: Dataset) -> dict[str, str]:
    return {key: part for part in ("train", "validation", "test") for key in getattr(dataset, part).keys.tolist()}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_row_order_changes_neither_split_nor_fingerprint(tmp_path: Path, seed: int) -> None:
    rows = [*mails(60), ("twice", "ham"), ("twice", "spam"), ("twice", ""), ("no label", "")]
    shuffled = random.Random(seed).sample(rows, len(rows))
    first, second = (load_bytes(tmp_path, csv_text(("body", "label"), each), text="body") for each in (rows, shuffled))
    assert first.fingerprint == second.fingerprint
    assert parts_by_key(first) == parts_by_key(second)
    for part in ("train", "validation", "test"):
        assert getattr(first, part).columns["text"].tolist() == getattr(second, part).columns["text"].tolist()
        assert getattr(first, part).labels.tolist() == getattr(second, part).labels.tolist()


def test_column_order_changes_no_row_of_the_split(tmp_path: Path) -> None:
    rows = patients()
    first = load_bytes(tmp_path, csv_text(PATIENT, rows), label="outcome")
    turned = load_bytes(tmp_path, csv_text(PATIENT[::-1], [row[::-1] for row in rows]), label="outcome")
    assert parts_by_key(first) == parts_by_key(turned)


def test_a_changed_label_changes_the_fingerprint(tmp_path: Path) -> None:
    rows = mails()
    other = [(rows[0][0], "spam"), *rows[1:]]
    first, second = (load_bytes(tmp_path, csv_text(("body", "label"), each), text="body") for each in (rows, other))
    assert first.fingerprint != second.fingerprint


def test_every_class_is_split_eight_one_one(tmp_path: Path) -> None:
    rows = [(f"text {i}", "rare" if i % 10 == 0 else "often") for i in range(200)]
    dataset = load_bytes(tmp_path, csv_text(("body", "label"), rows), text="body")
    assert dataset.labels == ("often", "rare")
    for part, often, rare in (("train", 144, 16), ("validation", 18, 2), ("test", 18, 2)):
        assert np.bincount(getattr(dataset, part).labels).tolist() == [often, rare]


def test_duplicates_are_dropped_across_parts_and_the_majority_label_stays(tmp_path: Path) -> None:
    copies = [
        ("caf\u00e9 here", "spam"),
        ("cafe\u0301 here", "spam"),
        ("caf\u00e9 here", "ham"),
        (mails()[0][0], "ham"),
    ]
    dataset = load_mails(tmp_path, *copies)
    assert every(dataset, "text").count("caf\u00e9 here") == 1
    rows = next(
        part for part in (dataset.train, dataset.validation, dataset.test) if "caf\u00e9 here" in part.columns["text"]
    )
    assert dataset.labels[rows.labels[rows.columns["text"].tolist().index("caf\u00e9 here")]] == "spam"
    assert "3 exact duplicates dropped" in dataset.notes
    assert any(note.startswith("1 input came with more than one label") for note in dataset.notes)


def test_rows_without_a_label_train_and_nothing_else(tmp_path: Path) -> None:
    dataset = load_mails(tmp_path, *((f"open {i}", "") for i in range(30)))
    assert int((dataset.train.labels == UNLABELLED).sum()) == 30
    assert dataset.validation.labelled.all() and dataset.test.labelled.all()


def test_a_given_split_is_kept(tmp_path: Path) -> None:
    names = ["train"] * 8 + ["Val", "TEST"]
    rows = [(f"text {i}", i // 10 % 2, names[i % 10]) for i in range(200)]
    dataset = load_bytes(tmp_path, csv_text(("body", "label", "part"), rows), text="body", split="part")
    assert set(dataset.test.columns["text"]) == {f"text {i}" for i in range(9, 200, 10)}
    assert set(dataset.validation.columns["text"]) == {f"text {i}" for i in range(8, 200, 10)}


def test_a_split_without_validation_takes_it_from_train(tmp_path: Path) -> None:
    rows = [(f"text {i}", i // 10 % 2, "test" if i % 10 == 9 else "train") for i in range(200)]
    dataset = load_bytes(tmp_path, csv_text(("body", "label", "part"), rows), text="body", split="part")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (160, 20, 20)
    assert any("no labelled validation row" in note for note in dataset.notes)


def test_a_row_in_train_and_test_stays_in_test_alone(tmp_path: Path) -> None:
    rows = [(f"text {i}", i // 10 % 2, "test" if i % 10 == 9 else "train") for i in range(200)]
    content = csv_text(("body", "label", "part"), [("text 9", 0, "train"), *rows])
    dataset = load_bytes(tmp_path, content, text="body", split="part")
    assert "text 9" in dataset.test.columns["text"]
    assert every(dataset, "text").count("text 9") == 1


def test_a_sample_is_fixed_and_as_large_as_asked(tmp_path: Path) -> None:
    rows = [(f"text {i}", i % 2) for i in range(300)]
    samples = [
        load_bytes(tmp_path, csv_text(("body", "label"), each), text="body", max_rows=100)
        for each in (rows, rows[::-1])
    ]
    assert len(every(samples[0], "text")) == 100
    assert samples[0].fingerprint == samples[1].fingerprint


def test_groups_follow_their_rows(tmp_path: Path) -> None:
    rows = [(f"text {i}", i % 2, f"site {i % 3}") for i in range(60)]
    dataset = load_bytes(tmp_path, csv_text(("body", "label", "site"), rows), text="body", group="site")
    assert dataset.train.groups is not None
    for text, group in zip(dataset.train.columns["text"], dataset.train.groups, strict=True):
        assert group == f"site {int(text.split()[1]) % 3}"


def test_empty_texts_are_dropped_and_noted(tmp_path: Path) -> None:
    dataset = load_mails(tmp_path, ("", "ham"), (" \n", "spam"))
    assert len(every(dataset, "text")) == 40
    assert any("2 rows without any input dropped" in note for note in dataset.notes)


def test_a_missing_column_is_named_with_the_nearest_and_the_list(tmp_path: Path) -> None:
    message = refusal(tmp_path, csv_text(("Body", "label"), mails()), text="body")
    assert "no column 'body' (data.text). Did you mean 'Body'? Its columns are 'Body', 'label'." in message


def test_one_class_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, csv_text(("body", "label"), [(text, "ham") for text, _ in mails()]), text="body")
    assert "every labelled row has the label 'ham', wanted at least two classes" in message


def test_classes_with_too_few_rows_are_named_with_their_counts(tmp_path: Path) -> None:
    rows = [*mails(), ("a", "rare"), ("b", "rare"), ("b", "rare")]
    message = refusal(tmp_path, csv_text(("body", "label"), rows), text="body")
    assert "1 of 3 classes: 'rare' 2. 1 row repeat" in message


def test_labels_that_differ_in_case_or_decimals_are_pointed_out(tmp_path: Path) -> None:
    for odd, even in (("Spam", "spam"), ("1.50", "1.5")):
        rows = [(f"text {i}", odd if i % 2 else even) for i in range(40)]
        message = refusal(tmp_path, csv_text(("body", "label"), rows), text="body")
        assert repr(odd) in message and repr(even) in message and "differ only in" in message


@pytest.mark.parametrize(
    ("odd", "even"),
    [
        ("spam   ", "spam"),
        ("not\u00a0 spam", "not spam"),
        ("spam\u200b", "spam"),
        ("\ufeffspam", "spam"),
        ("sp\u00adam", "spam"),
        ("e\u0301t\u200de\u0301", "été"),
        ("1.0", "1"),
        ("TRUE", "true"),
    ],
)
def test_labels_that_look_alike_are_one_label_and_that_is_said(tmp_path: Path, odd: str, even: str) -> None:
    rows = [(text, odd if i % 4 else even if i % 8 else "other") for i, (text, _) in enumerate(mails(80))]
    dataset = load_bytes(tmp_path, csv_text(("body", "label"), rows), text="body")
    assert dataset.labels == tuple(sorted((even, "other")))
    if odd.strip() != odd.rstrip() or not odd.startswith(even):
        assert any(repr(odd) in note for note in dataset.notes)


def test_a_label_of_an_emoji_keeps_its_joiner(tmp_path: Path) -> None:
    rows = [(text, ("👩\u200d🔬", "می\u200cخواهم")[i % 2]) for i, (text, _) in enumerate(mails())]
    dataset = load_bytes(tmp_path, csv_text(("body", "label"), rows), text="body")
    assert set(dataset.labels) == {"👩\u200d🔬", "می\u200cخواهم"}


def test_labels_are_trimmed_where_that_confuses_nothing(tmp_path: Path) -> None:
    rows = [(text, f" {label}") for text, label in mails()]
    assert load_bytes(tmp_path, csv_text(("body", "label"), rows), text="body").labels == ("ham", "spam")


def test_whole_numbers_as_labels_are_strings_without_a_point_as_categories_are(tmp_path: Path) -> None:
    rows = [(f"text {i}", f"{i % 3}.0") for i in range(60)]
    assert load_bytes(tmp_path, csv_text(("body", "label"), rows), text="body").labels == ("0", "1", "2")


def test_a_label_that_is_a_free_number_is_refused_without_its_values(tmp_path: Path) -> None:
    rows = [(text, i * 1.125) for i, (text, _) in enumerate(mails())]
    message = refusal(tmp_path, csv_text(("body", "label"), rows), text="body")
    assert "looks like a number to predict, and Limbeck classifies" in message
    assert "1.125" not in message


def test_a_label_for_every_row_is_refused_without_its_values(tmp_path: Path) -> None:
    message = refusal(
        tmp_path, csv_text(("body", "label"), [(t, f"id-{i}") for i, (t, _) in enumerate(mails())]), text="body"
    )
    assert "40 different labels in 40 rows" in message
    assert "id-" not in message


def test_a_text_that_was_not_named_is_hinted_at(tmp_path: Path) -> None:
    message = refusal(tmp_path, csv_text(("body", "label"), mails()))
    assert "'body': no value of it occurs in 3 rows" in message and "data.text" in message


def test_a_text_column_that_is_empty_everywhere_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, csv_text(("body", "label"), [(" ", label) for _, label in mails()]), text="body")
    assert "column 'body' (data.text) is empty in every row" in message


@pytest.mark.parametrize("name", ["probabilities", "novelty"])
def test_the_names_of_the_graphs_outputs_are_refused(tmp_path: Path, name: str) -> None:
    message = refusal(tmp_path, csv_text((name, "label"), [(i * 1.5, i % 2) for i in range(40)]))
    assert f"a column {name!r} would be mixed up with the graph's output" in message


def test_an_unknown_part_is_named_by_line(tmp_path: Path) -> None:
    rows = [(text, label, "trian" if i == 2 else "train") for i, (text, label) in enumerate(mails())]
    content = csv_text(("body", "label", "part"), [(text.replace("\n", ""), *rest) for text, *rest in rows])
    message = refusal(tmp_path, content, text="body", split="part")
    assert "line 4 holds something else" in message and "trian" not in message


def test_a_part_without_a_class_is_refused(tmp_path: Path) -> None:
    rows = [(f"text {i}", i % 2, "test" if i in (0, 2, 4) else "train") for i in range(60)]
    message = refusal(tmp_path, csv_text(("body", "label", "part"), rows), text="body", split="part")
    assert "no labelled test row of '1'" in message


def test_a_missing_file_names_both_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    data = Data(source="csv", path="mail.csv", text="body", label="label")
    with pytest.raises(DataError) as caught:
        load_data(data, tmp_path)
    assert str(tmp_path / "mail.csv") in str(caught.value) and str(elsewhere / "mail.csv") in str(caught.value)
    elsewhere.joinpath("mail.csv").write_text(csv_text(("body", "label"), mails()))
    assert load_data(data, tmp_path).name == "mail"


def test_a_folder_where_a_file_should_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder"):
        load_data(Data(source="csv", path=".", text="body", label="label"), tmp_path)


def soft(folder: Path, cells: dict[int, tuple[object, object]], names: tuple[str, str] = ("p_a", "p_b")) -> Dataset:
    rows = [(f"text {i}", "ab"[i % 2], *cells.get(i, (0.75, 0.25))) for i in range(40)]
    return load_bytes(folder, csv_text(("body", "label", *names), rows), text="body", soft_label_prefix="p_")


def test_soft_labels_follow_their_rows_in_the_order_of_the_labels(tmp_path: Path) -> None:
    dataset = soft(tmp_path, {3: ("", ""), 4: (0.5, 0.51)}, names=("p_b", "p_a"))
    found = {}
    for part in (dataset.train, dataset.validation, dataset.test):
        assert part.teacher_probabilities is not None
        found |= dict(zip(part.columns["text"], part.teacher_probabilities.tolist(), strict=True))
    assert found["text 0"] == [0.25, 0.75]
    assert np.isnan(found["text 3"]).all()
    assert sum(found["text 4"]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("cells", "names", "wanted"),
    [
        ({3: (0.5, 0.4)}, ("p_a", "p_b"), "do not sum to 1 (within 0.02) in 1 row, first in line 5"),
        ({3: (-0.5, 1.5)}, ("p_a", "p_b"), "column 'p_a': line 5 holds no number of 0 or more"),
        ({3: ("high", 1.5)}, ("p_a", "p_b"), "column 'p_a': line 5 holds no number of 0 or more"),
        ({}, ("p_A", "p_b"), "no column 'p_a' with the probabilities of the label 'a'"),
        ({}, ("q_a", "q_b"), "no column that begins with 'p_'"),
        ({i: ("", 1) for i in range(40)}, ("p_a", "p_b"), "no row has all its probabilities"),
    ],
)
def test_soft_labels_that_are_none_are_refused(
    tmp_path: Path, cells: dict[int, tuple[object, object]], names: tuple[str, str], wanted: str
) -> None:
    with pytest.raises(DataError) as caught:
        soft(tmp_path, cells, names)
    assert wanted in str(caught.value)


def test_soft_label_columns_are_no_inputs(tmp_path: Path) -> None:
    rows = [(i * 1.5, "ab"[i % 2], 0.5, 0.5) for i in range(40)]
    dataset = load_bytes(tmp_path, csv_text(("x", "label", "p_a", "p_b"), rows), soft_label_prefix="p_")
    assert [item.name for item in dataset.inputs] == ["x"]
    message = refusal(
        tmp_path, csv_text(("x", "label", "p_a", "p_b"), rows), soft_label_prefix="p_", columns=["x", "p_a"]
    )
    assert "'p_a' holds a teacher's probabilities" in message


def test_a_dataset_has_the_promised_shapes(tmp_path: Path) -> None:
    dataset = load_mails(tmp_path)
    assert {field.name for field in fields(dataset)} >= {"fingerprint", "licence", "notes"}
    assert (dataset.task, dataset.public, dataset.licence, dataset.name) == ("text", False, "not stated", "rows")
    assert dataset.train.labels.dtype == np.int64
    assert dataset.train.columns["text"].dtype == object
    assert len(set(dataset.train.keys)) == len(dataset.train)
