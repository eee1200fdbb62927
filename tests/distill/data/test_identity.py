"""A column that says whose row it is, and tells the label by that, is pointed out where no group is declared."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.distill.data.files import csv_text, load_bytes
from tests.distill.data.test_families import prose, visits

ADVICE = "set data.group"


def test_people_who_come_back_are_pointed_out_beside_texts(tmp_path: Path) -> None:
    dataset = load_bytes(tmp_path, csv_text(("body", "person", "label"), visits(60)), text="body")
    [note] = [note for note in dataset.notes if ADVICE in note]
    assert "column 'person' repeats" in note and 'data.group = "person"' in note


@pytest.mark.parametrize("form", ["c{}", "{}", "2024-{:04}-x"])
def test_and_among_columns_whatever_they_are_called_by(tmp_path: Path, form: str) -> None:
    chance = random.Random(0)
    own = {person: chance.choice("ab") for person in range(60)}
    rows = [
        (form.format(i % 60), chance.gauss(0, 1), own[i % 60] if chance.random() < 0.9 else "a") for i in range(600)
    ]
    notes = load_bytes(tmp_path, csv_text(("client", "x", "label"), rows)).notes
    assert any("column 'client' repeats" in note for note in notes)


def test_a_declared_group_needs_no_advice(tmp_path: Path) -> None:
    content = csv_text(("body", "person", "label"), visits(60))
    assert not any(ADVICE in note for note in load_bytes(tmp_path, content, text="body", group="person").notes)


def test_quantities_colours_and_people_who_tell_nothing_are_not(tmp_path: Path) -> None:
    chance = random.Random(0)
    rows = []
    for i in range(900):
        age = chance.randint(18, 80)
        label = "old" if age + chance.gauss(0, 4) > 50 else "young"
        colour = ("red", "grey")[label == "old"] if chance.random() < 0.8 else "blue"
        rows.append((prose(i), age, colour, f"c{i % 70}", label))
    content = csv_text(("body", "age", "colour", "client", "label"), rows)
    assert not any(ADVICE in note for note in load_bytes(tmp_path, content, text="body").notes)
