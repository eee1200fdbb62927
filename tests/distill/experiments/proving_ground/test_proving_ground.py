"""The whole command on two tiny sets, a text and a table; other people's programs are faked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from distill.errors import FetchError, PeerError
from distill.evaluation.contenders import Contender
from distill.evaluation.evidence import TWIN
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
    monkeypatch.setattr(launch, "require", lambda: None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is measured anew: the recipe's name and the seed. The answers are made up: a pipeline is slow."""
    found: list[tuple[str, int]] = []

    def answers(recipe: Recipe, base: Path, seed: int, peers: tuple[str, ...], settings: int) -> measure.Answers:
        found.append((recipe.name, seed))
        random = np.random.default_rng(len(found))
        gold = np.arange(40) % 2
        roles = (measure.TEACHER, measure.STUDENT, TWIN, measure.BASELINE, *("peer" for _ in peers))
        names = (*roles[:4], *peers)
        contenders = []
        for name, role in zip(names, roles, strict=True):
            probabilities = random.dirichlet([1, 1], 40)
            contenders.append(Contender(name, role, "made", probabilities, kilobytes=9.0, timings=np.full(40, 7.0)))
        return measure.Answers(gold, 2, tuple(contenders))

    monkeypatch.setattr(measure, "answers", answers)
    return found


EVERY = [("proving-mail", 0), ("proving-measures", 0), ("proving-mail", 1), ("proving-measures", 1)]


@pytest.mark.slow
@pytest.mark.usefixtures("sets")
def test_the_command_trains_asks_and_judges_everybody_on_a_text_and_a_table(here: Run, tmp_path: Path) -> None:
    done = here("proving-ground", "--seeds", "1", "--out", "out", cache=tmp_path / "cache")
    assert done.status == 0, done.err
    markdown = (tmp_path / "out" / "proving-ground" / "proving-ground.md").read_text()
    for text in (done.out, markdown):
        for name in ("mail", "measures", "student - twin", "student - baseline", "student - teacher"):
            assert name in text
        assert "after Holm's correction" in text
        assert "texts: log-likelihood, student less hard-label twin, mean over 1 sets" in text
    assert "a mail -> its verdict" in markdown
    drawn = (tmp_path / "out" / "proving-ground" / "proving-ground.svg").read_text()
    assert drawn.startswith("<?xml")
    assert "measures (" in drawn
    for name, chapter in (("mail", TEXTS), ("measures", TABLES)):
        [path] = (tmp_path / "cache" / "proving-ground" / "measured").glob(f"{name}-0-*.json")
        found = json.loads(path.read_text())
        assert [one["name"] for one in found["contenders"]] == [
            "student", "teacher", "hard-label twin", "baseline", "majority class", *PEERS[chapter]
        ]  # fmt: skip
        rows = len(found["contenders"][0]["right"])
        assert rows >= ROWS * 0.9  # all judge, but for duplicates
        for one in found["contenders"]:
            assert len(one["right"]) == len(one["log_likelihood"]) == len(one["confidence"]) == rows
            assert max(one["log_likelihood"]) <= 0
        student, _, twin = found["contenders"][:3]
        assert student["kilobytes"] > 1
        assert student["microseconds"] > 0
        assert student["log_likelihood"] != twin["log_likelihood"]


@pytest.mark.usefixtures("sets")
def test_a_second_run_computes_nothing_anew_and_says_the_same(
    here: Run, tmp_path: Path, asked: list[tuple[str, int]]
) -> None:
    first, second = (here("proving-ground", "--seeds", "2", cache=tmp_path / "cache") for _ in range(2))
    assert first.status == 0, first.err
    assert asked == EVERY
    assert second.out == first.out


@pytest.mark.usefixtures("sets")
def test_a_set_that_fails_does_not_stop_the_others_and_is_reported(
    here: Run, tmp_path: Path, asked: list[tuple[str, int]]
) -> None:
    done = here("proving-ground", "--seeds", "2", "--out", "out", cache=tmp_path / "cache")
    assert done.status == 0
    assert asked == EVERY
    markdown = (tmp_path / "out" / "proving-ground" / "proving-ground.md").read_text()
    assert "| broken | 0 | The archive is gone. |" in markdown
    assert "Run again." not in done.out  # the first line alone


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
def test_another_sample_of_rows_or_more_settings_of_peers_are_measured_anew(
    here: Run, tmp_path: Path, asked: list[tuple[str, int]]
) -> None:
    here("proving-ground", "mail", "--seeds", "1", cache=tmp_path / "cache")
    here("proving-ground", "mail", "--seeds", "1", "--settings", "2", cache=tmp_path / "cache")
    assert asked == EVERY[:1] * 2
    with (tmp_path / "mail.csv").open("a") as file:
        file.write("one more,good,0.2,0.8\n")
    here("proving-ground", "mail", "--seeds", "1", cache=tmp_path / "cache")
    assert asked == EVERY[:1] * 3


@pytest.mark.usefixtures("sets")
def test_a_missing_environment_of_the_peers_is_told_before_anything_is_measured(
    here: Run, tmp_path: Path, asked: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Path:
        raise PeerError("The peers' environment is not there.")

    monkeypatch.setattr(launch, "require", missing)
    done = here("proving-ground", cache=tmp_path / "cache")
    assert done.status == 2
    assert "environment is not there" in done.err
    assert asked == []


@pytest.mark.usefixtures("sets")
def test_peers_may_be_asked_under_the_first_seeds_alone(
    here: Run, tmp_path: Path, asked: list[tuple[str, int]]
) -> None:
    done = here("proving-ground", "measures", "--seeds", "2", "--peer-seeds", "1", cache=tmp_path / "cache")
    assert done.status == 0, done.err
    assert len(asked) == 2
    assert "lightgbm" in done.out
    kept = (tmp_path / "cache" / "proving-ground" / "measured").glob("measures-*.json")
    assert {path.name[9]: "lightgbm" in path.read_text() for path in kept} == {"0": True, "1": False}


@pytest.mark.usefixtures("sets")
def test_a_set_that_does_not_exist_is_told_which_do(here: Run, tmp_path: Path) -> None:
    done = here("proving-ground", "mails", cache=tmp_path / "cache")
    assert done.status == 2
    assert "no set 'mails'. Did you mean mail?" in done.err


@pytest.mark.usefixtures("sets", "asked")
def test_bank_questions_are_left_out_with_a_word_where_nobody_names_the_file(here: Run, tmp_path: Path) -> None:
    done = here("proving-ground", "--seeds", "1", cache=tmp_path / "cache")
    assert "bank-questions is left out: name its file" in done.out
