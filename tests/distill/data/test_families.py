"""Rows that belong together stand in one part, in one fold of cross-fitting and in one fold of the teacher."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill.data import cross_fit_splits, families, split
from distill.data.keys import families_fill_folds, fold_of, source_of
from distill.data.rows import Dataset, Pool
from distill.data.split import PARTS, Unique
from distill.errors import DataError
from handler.bundle.contract import Input
from tests.distill import made
from tests.distill.data.files import csv_text, load_bytes

PART_NAMES = ("train", "validation", "test")


def prose(seed: int, words: int = 12) -> str:
    """Words that no other seed has."""
    letters = random.Random(seed)
    return " ".join("".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(words))


def visits(groups: int, seed: int = 0, blank: float = 0.0) -> list[tuple[str, str, str]]:
    """Text, whose it is, and a label that is mostly the person's own."""
    chance = random.Random(seed)
    rows = []
    for group in range(groups):
        for _ in range(chance.randint(2, 12)):
            label = "ab"[group % 2] if chance.random() < 0.9 else "ba"[group % 2]
            name = f"person {group}"
            rows.append((prose(len(rows) + 1000 * seed), name, "" if chance.random() < blank else label))
    return rows


def grouped(folder: Path, rows: Sequence[tuple[str, ...]], **data: object) -> Dataset:
    header = ("body", "person", "label", "part")[: len(rows[0])]
    return load_bytes(folder, csv_text(header, rows), text="body", group="person", **data)


def parts_of(dataset: Dataset, place: str) -> dict[str, set[str]]:
    """The parts in which each group stands ("groups"), or each family ("keys")."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in PART_NAMES:
        for value in getattr(getattr(dataset, name), place).tolist():
            found[source_of(value) if place == "keys" else value].add(name)
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=st.integers(6, 70), seed=st.integers(0, 1000), blank=st.sampled_from([0.0, 0.3]))
def test_a_group_stands_in_one_part_every_part_has_every_class_and_order_does_not_matter(
    tmp_path: Path, groups: int, seed: int, blank: float
) -> None:
    rows = visits(groups, seed, blank)
    try:
        dataset = grouped(tmp_path, rows)
    except DataError as error:  # so few rows that a class lacks ten of them, or three groups
        assert "too few" in str(error)
        return
    assert {len(parts) for parts in parts_of(dataset, "groups").values()} == {1}
    for name in PART_NAMES:
        part = getattr(dataset, name)
        assert set(part.labels[part.labelled].tolist()) == {0, 1}
    shuffled = grouped(tmp_path, random.Random(seed).sample(rows, len(rows)))
    assert shuffled.fingerprint == dataset.fingerprint
    assert shuffled.test.keys.tolist() == dataset.test.keys.tolist()


def test_parts_are_as_large_as_groups_allow(tmp_path: Path) -> None:
    dataset = grouped(tmp_path, visits(120))
    total = sum(len(getattr(dataset, name)) for name in PART_NAMES)
    for part in (dataset.validation, dataset.test):
        for count, whole in zip(
            np.bincount(part.labels), Counter(r[2] for r in visits(120)).most_common(), strict=True
        ):
            assert count == pytest.approx(whole[1] / 10, abs=6)
    assert len(dataset.train) == pytest.approx(0.8 * total, abs=12)


def test_the_notes_say_what_the_split_keeps_apart(tmp_path: Path) -> None:
    notes = " ".join(grouped(tmp_path, visits(63)).notes)
    assert "split by 'person' (data.group): each of 63 groups stands in one part" in notes
    few = " ".join(
        grouped(tmp_path, [(text, f"site {i % 4}", label) for i, (text, _, label) in enumerate(visits(30))]).notes
    )
    assert "the test rows are of 1 group" in few


def test_a_class_of_two_groups_is_refused_with_what_to_write(tmp_path: Path) -> None:
    rows = [(prose(i), "alone" if i % 7 == 0 else f"person {i % 20}", "b" if i % 7 == 0 else "a") for i in range(140)]
    with pytest.raises(DataError) as caught:
        grouped(tmp_path, rows)
    assert "'b' 1" in str(caught.value) and "data.split_by_group = false" in str(caught.value)


def test_two_sites_are_no_groups_to_keep_apart_unless_the_recipe_says_so(tmp_path: Path) -> None:
    rows = [(prose(i), f"site {i % 2}", "ab"[i // 2 % 2]) for i in range(80)]
    assert any("fewer than three of these few groups" in note for note in grouped(tmp_path, rows).notes)
    with pytest.raises(DataError, match="'a' 2, 'b' 2"):
        grouped(tmp_path, rows, split_by_group=True)
    dataset = grouped(tmp_path, rows, split_by_group=False)
    assert any("scores hold for groups that training saw" in note for note in dataset.notes)


def test_rows_that_nothing_ties_are_split_as_they_always_were(tmp_path: Path) -> None:
    rows = visits(50)
    plain = load_bytes(tmp_path, csv_text(("body", "person", "label"), rows), text="body")
    told = grouped(tmp_path, rows, split_by_group=False)
    assert told.test.keys.tolist() == plain.test.keys.tolist()
    assert told.validation.keys.tolist() == plain.validation.keys.tolist()


@given(labels=st.lists(st.sampled_from("aaaabbc"), min_size=40, max_size=120))
@settings(max_examples=50, deadline=None)
def test_families_of_one_row_each_are_taken_row_by_row(labels: list[str]) -> None:
    keys = np.array(sorted(made.keys(range(len(labels))).tolist()), dtype=object)
    pool = Pool((Input("x", "float32", "number"),), {"x": np.arange(len(labels))}, np.array(labels, dtype=object))
    rows = Unique(pool, keys, 0, 0)
    if min(Counter(labels).values()) < 10:
        return
    slow, fast = (np.full(len(labels), split.TRAIN, dtype=object) for _ in range(2))
    for sharing, part in ((3, split.TEST), (2, split.VALIDATION)):
        split._take(rows, slow, part, sharing)
        split._take_rows(rows, fast, part)
    assert slow.tolist() == fast.tolist() == split.parts(rows).tolist()
    assert set(fast.tolist()) == set(PARTS)


def test_a_row_without_a_label_does_not_train_beside_a_group_that_judges(tmp_path: Path) -> None:
    dataset = grouped(tmp_path, visits(60, blank=0.4))
    judging = {*dataset.validation.groups.tolist(), *dataset.test.groups.tolist()}  # type: ignore[union-attr]
    assert not judging & set(dataset.train.groups.tolist())  # type: ignore[union-attr]
    assert not dataset.train.labelled.all()
    assert any("without a label left out" in note for note in dataset.notes)


def test_rows_without_a_group_stand_alone(tmp_path: Path) -> None:
    rows = [(text, "" if i % 3 else person, label) for i, (text, person, label) in enumerate(visits(60))]
    dataset = grouped(tmp_path, rows)
    assert parts_of(dataset, "groups")[""] == set(PART_NAMES)
    assert any("without a group" in note for note in dataset.notes)


def test_a_given_split_is_kept_and_its_torn_groups_are_counted(tmp_path: Path) -> None:
    rows = [(*row, ("test", "validation", *["train"] * 8)[i % 10]) for i, row in enumerate(visits(60))]
    dataset = grouped(tmp_path, rows, split="part")
    assert len(dataset.test) == len(rows[::10])
    assert any("have others of their group in training" in note for note in dataset.notes)


def test_validation_is_taken_by_group_where_the_split_has_none(tmp_path: Path) -> None:
    rows = [(*row, "test" if int(row[1].split()[1]) < 8 else "train") for row in visits(60)]
    dataset = grouped(tmp_path, rows, split="part")
    assert {len(parts) for parts in parts_of(dataset, "groups").values()} == {1}


def test_folds_keep_groups_together(tmp_path: Path) -> None:
    dataset = grouped(tmp_path, visits(60, blank=0.1))
    for repeat in range(2):
        parts = cross_fit_splits.splits(dataset, repeat)
        tested = [key for part in parts for key in part.test.keys.tolist()]
        assert len(tested) == len(set(tested))
        for part in parts:
            assert {len(found) for found in parts_of(part, "groups").values()} == {1}
            assert set(part.test.labels.tolist()) == set(part.train.labels[part.train.labelled].tolist()) == {0, 1}
        sizes = [len(part.test) for part in parts]
        assert max(sizes) < 2 * min(sizes)
    folds: dict[str, set[int]] = defaultdict(set)
    for group, fold in zip(dataset.train.groups.tolist(), fold_of(dataset.train, 5).tolist(), strict=True):  # type: ignore[union-attr]
        folds[group].add(fold)
    assert {len(found) for found in folds.values()} == {1}
    assert len({fold for found in folds.values() for fold in found}) == 5


def test_with_too_few_groups_to_leave_one_out_the_teachers_folds_are_of_rows(tmp_path: Path) -> None:
    rows = [(prose(i), f"site {i % 3}", "ab"[i // 3 % 2]) for i in range(120)]
    train = grouped(tmp_path, rows).train
    assert len(set(train.groups.tolist())) == 1  # type: ignore[union-attr]
    assert not families_fill_folds(train, 5)
    assert set(fold_of(train, 5, by_row=True).tolist()) == set(range(5))
    assert families_fill_folds(grouped(tmp_path, visits(60)).train, 5)


DISGUISES = (
    lambda text: text,
    lambda text: text + " ",
    str.upper,
    lambda text: "RT " + text,
    lambda text: text + "!",
)


def test_five_disguises_of_a_text_stand_in_one_part_and_are_counted(tmp_path: Path) -> None:
    rows = [(change(prose(i, 6)), "ab"[i % 2]) for i in range(120) for change in DISGUISES]
    dataset = load_bytes(tmp_path, csv_text(("body", "label"), rows), text="body")
    found = parts_of(dataset, "keys")
    assert len(found) == 120
    assert {len(parts) for parts in found.values()} == {1}
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (480, 60, 60)
    assert any(
        "600 rows are near copies of others, in 120 families: each stands in one part" in it for it in dataset.notes
    )


def test_a_split_of_the_sources_own_is_kept_and_near_copies_in_it_are_counted(tmp_path: Path) -> None:
    rows = [(prose(i), "ab"[i % 2], ("train", "val", "train")[i % 3]) for i in range(90)]
    rows += [(prose(i).upper() + "!", "ab"[i % 2], "test") for i in range(30)]
    dataset = load_bytes(tmp_path, csv_text(("body", "label", "part"), rows), text="body", split="part")
    assert len(dataset.test) == 30
    assert any("20 of 30 test rows have a near copy in training" in note for note in dataset.notes)


def test_a_form_that_fills_a_class_breaks_no_split_and_is_pointed_out(tmp_path: Path) -> None:
    says = ("has been sent to the address that you gave", "was cancelled and the amount is paid back")
    rows = [(f"Dear customer {i}, your order {i * 37 % 1000} {says[i % 2]}", i % 2) for i in range(200)]
    dataset = load_bytes(tmp_path, csv_text(("body", "label"), rows), text="body")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (160, 20, 20)
    assert any("200 rows are near copies of so many others" in note for note in dataset.notes)


@given(
    links=st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), max_size=80),
    labels=st.lists(st.sampled_from("aab"), min_size=60, max_size=60),
)
def test_no_family_of_near_copies_holds_over_a_third_of_a_class(
    links: list[tuple[int, int]], labels: list[str]
) -> None:
    pairs = np.array([pair for pair in links if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)
    found = families.of(np.array(labels, dtype=object), None, [pairs[: len(pairs) // 2], pairs])
    totals = Counter(labels)
    for number in np.unique(found.numbers):
        held = Counter(np.array(labels)[found.numbers == number].tolist())
        if sum(held.values()) > 1:
            assert all(count <= totals[label] / 3 + 1e-6 for label, count in held.items())
    linked = set(pairs.ravel().tolist())
    assert set(np.flatnonzero(found.near | found.too_many).tolist()) == linked
    assert not (found.near & found.too_many).any()
