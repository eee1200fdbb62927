"""The whole command on two tiny sets, a text and a table; other people's programs are faked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from distill.errors import FetchError
from distill.experiments.peers import launch
from distill.experiments.peers.exchange import Answers, Questions
from distill.experiments.peers.launch import Peer
from distill.experiments.proving_ground import measure
from distill.experiments.proving_ground.measure import PEERS
from distill.experiments.proving_ground.sets import catalogue, proving_set
from distill.experiments.proving_ground.sets.proving_set import TABLES, TEXTS, Cells, ProvingSet
from distill.recipe.schema import Data, Recipe, Student
from tests.distill.command_line import Run
from tests.distill.made import LABELS, measurements, opinions

ROWS = 150


def table() -> Cells:
    rows = measurements(ROWS, 3)
    columns = [rows.columns[name].tolist() for name in ("width", "height", "weight")]
    cells = [tuple("" if value != value else f"{value:.3f}" for value in row) for row in zip(*columns, strict=True)]
    labels = [LABELS[label] for label in rows.labels]
    return Cells(("width", "height", "weight", "label"), [(*row, it) for row, it in zip(cells, labels, strict=True)])


def broken() -> Cells:
    raise FetchError("The archive is gone.\nRun again.")


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of two tiny sets and one that fails. Soft labels in the file stand for a teacher."""
    rows = opinions(ROWS, 5)
    lines = zip(rows.columns["text"].tolist(), rows.labels.tolist(), strict=True)
    body = "".join(f"{text},{LABELS[label]},{0.8 - 0.6 * label},{0.2 + 0.6 * label}\n" for text, label in lines)
    (tmp_path / "mail.csv").write_text(f"text,label,p_bad,p_good\n{body}")
    data = Data(
        source="csv", path=str(tmp_path / "mail.csv"), text="text", label="label", soft_label_prefix="p_"
    )  # fmt: skip
    known = (
        ProvingSet("mail", TEXTS, "a mail -> its verdict", "made", "CC0", data=data),
        ProvingSet("broken", TABLES, "nothing", "made", "CC0", make=broken, module=__name__),
        ProvingSet("measures", TABLES, "numbers -> their sign", "made", "CC0", make=table, module=__name__),
    )
    monkeypatch.setattr(catalogue, "every", lambda _: known)
    defaults = proving_set.recipe

    def quick(one: ProvingSet, seed: int) -> Recipe:
        return defaults(one, seed).model_copy(update={"student": Student(epochs=2, vocabulary=100)})

    monkeypatch.setattr(proving_set, "recipe", quick)

    def answered(_: Peer, asked: Questions) -> Answers:
        test = np.full((len(asked.test), asked.classes), 1 / asked.classes, np.float32)
        return Answers(test, np.full(asked.timed_rows, 7.0), {"description": "even odds", "kilobytes": 1.0})

    monkeypatch.setattr(launch, "run", answered)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is measured anew: the recipe's name and the seed."""
    found: list[tuple[str, int]] = []
    real = measure.answers

    def answers(recipe: Recipe, base: Path, seed: int, peers: tuple[str, ...], settings: int) -> measure.Answers:
        found.append((recipe.name, seed))
        return real(recipe, base, seed, peers, settings)

    monkeypatch.setattr(measure, "answers", answers)
    return found


EVERY = [("proving-mail", 0), ("proving-measures", 0), ("proving-mail", 1), ("proving-measures", 1)]


@pytest.mark.usefixtures("sets")
def test_every_set_is_measured_once_and_one_that_fails_does_not_stop_the_others(
    here: Run, tmp_path: Path, asked: list[tuple[str, int]]
) -> None:
    arguments = ("proving-ground", "--seeds", "2", "--out", "out")
    done = here(*arguments, cache=tmp_path / "cache")
    assert done.status == 0, done.err
    assert asked == EVERY
    markdown = (tmp_path / "out" / "proving-ground" / "proving-ground.md").read_text()
    for text in (done.out, markdown):
        for name in ("mail", "measures", "student - twin", "student - baseline", "student - teacher"):
            assert name in text
        assert "The archive is gone." in text
        assert "Run again." not in text
        assert "comparisons after Holm's correction" in text
    assert "a mail -> its verdict" in markdown
    drawn = (tmp_path / "out" / "proving-ground" / "proving-ground.svg").read_text()
    assert drawn.startswith("<?xml") and "measures (" in drawn

    again = here(*arguments, cache=tmp_path / "cache")
    assert asked == EVERY  # nothing anew
    assert again.out == done.out
    assert (tmp_path / "out" / "proving-ground" / "proving-ground.md").read_text() == markdown


@pytest.mark.usefixtures("sets")
def test_what_is_kept_has_every_contender_row_by_row(here: Run, tmp_path: Path) -> None:
    done = here("proving-ground", "measures", "mail", "--seeds", "1", cache=tmp_path / "cache")
    assert done.status == 0, done.err
    for name, chapter in (("mail", TEXTS), ("measures", TABLES)):
        [path] = (tmp_path / "cache" / "proving-ground" / "measured").glob(f"{name}-0-*.json")
        found = json.loads(path.read_text())
        names = [one["name"] for one in found["contenders"]]
        assert names == ["teacher", "student", "hard-label twin", "baseline", *PEERS[chapter]]
        for one in found["contenders"]:
            assert len(one["right"]) == len(one["log_likelihood"]) == len(one["confidence"]) == 15
            assert max(one["log_likelihood"]) <= 0
        student, twin = found["contenders"][1:3]
        assert student["kilobytes"] > 1 and twin["microseconds"] > 0


@pytest.mark.usefixtures("sets")
def test_a_run_that_was_killed_goes_on_where_it_was(
    here: Run, tmp_path: Path, asked: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = measure.answers

    def killed(recipe: Recipe, base: Path, seed: int, peers: tuple[str, ...], settings: int) -> measure.Answers:
        if len(asked) == 2:
            raise KeyboardInterrupt
        return going_on(recipe, base, seed, peers, settings)

    monkeypatch.setattr(measure, "answers", killed)
    assert here("proving-ground", "--seeds", "2", cache=tmp_path / "cache").status == 130
    monkeypatch.setattr(measure, "answers", going_on)
    assert here("proving-ground", "--seeds", "2", cache=tmp_path / "cache").status == 0
    assert asked == EVERY


@pytest.mark.usefixtures("sets")
def test_a_set_that_does_not_exist_is_told_which_do(here: Run, tmp_path: Path) -> None:
    done = here("proving-ground", "mails", cache=tmp_path / "cache")
    assert done.status == 2
    assert "no set 'mails'. Did you mean mail?" in done.err


@pytest.mark.usefixtures("sets")
def test_bank_questions_are_left_out_with_a_word_where_nobody_names_the_file(here: Run, tmp_path: Path) -> None:
    done = here("proving-ground", "--seeds", "1", cache=tmp_path / "cache")
    assert "bank-questions is left out: name its file" in done.out
