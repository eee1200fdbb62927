"""README's example, from its CSV to an answer: what it shows is what the commands do."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.page import TOLERANCE, skeleton
from tests.distill.command_line import ROOT, Done, distill
from tests.documents import README, page

EXAMPLE = ROOT / "docs" / "examples" / "iris.csv"
_SECTION = README.read_text(encoding="utf-8").split("### 1. ")[1].split("### 2. ")[0]
WHO = ("teacher", "student")
_BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", _SECTION, re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """The commands of README's first use, and what it shows after them."""

    commands: tuple[tuple[str, ...], ...]
    shown: str
    code: str
    printed: str


@pytest.fixture(scope="module")
def example() -> Example:
    [(_, commands), (_, shown), (_, code), (_, printed)] = _BLOCKS
    parsed = (tuple(shlex.split(line, comments=True)) for line in commands.splitlines())
    return Example(tuple(words[1:] for words in parsed if words[0] == "limbeck"), shown, code, printed)


def test_the_rows_that_are_shown_are_rows_of_the_file() -> None:
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", _SECTION, re.M)]
    with EXAMPLE.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert shown[0] == rows[0]
    assert len(shown) == 5 and [row for row in shown[2:] if row not in rows] == []
    assert f"of {len(rows) - 1}:" in _SECTION


def test_the_headline_is_what_make_demo_is_shown_to_print() -> None:
    front = README.read_text(encoding="utf-8").split("## Three uses")[0]
    teacher, student = (re.findall(rf"^{who} +([\d.]+) .* ([\d,]+) +([\d,]+) +[\d,]+$", front, re.M)[0] for who in WHO)
    for row, (kilobytes, microseconds) in ((teacher[0], teacher[1:]), (student[0], student[1:])):
        assert f"{float(kilobytes.replace(',', '')) / 1000:.1f} MB" in front
        assert re.search(rf"\b{float(microseconds.replace(',', '')) / 1000:.3g} ms", front)
        assert front.count(row) >= 2
    [retention] = re.findall(r"^retention ([\d.]+) ", front, re.MULTILINE)
    assert f"**{retention}** of the teacher's kept" in front


@pytest.mark.parametrize(
    ("told", "measured", "where"),
    [
        ("a warm request takes 0.2 ms", r"^\| 1 \| 50,000 \| 0\.208 ", "performance"),
        ("a cold start 145 ms", r"\*\*ours\*\* \| \*\*145\*\* ", "performance"),
        ("keeps 0.958 in 0.96 MB", r"^\| gru-192 \| .*\| 0\.958 .*\| 957 \|", "comparisons"),
        ("where 24 MB", r"^\| minilm_int8 \| .*\| 0\.998 .*\| 23,923 \|", "comparisons"),
        ("it keeps 0.998", r"^\| minilm_int8 \| .*\| 0\.998 ", "comparisons"),
    ],
)
def test_what_the_front_page_claims_is_measured_on_a_page_of_docs(told: str, measured: str, where: str) -> None:
    assert told in " ".join(README.read_text(encoding="utf-8").split())
    assert re.search(measured, page(where), re.MULTILINE)


def test_init_says_what_is_shown(example: Example, tmp_path: Path) -> None:
    assert example.commands[0][0] == "init"
    done = _ask(example.commands[0], tmp_path)
    assert done.status == 0, done.err
    assert example.shown.startswith(done.out)


@pytest.mark.slow
def test_the_example_makes_the_bundle_and_gives_the_answers_that_are_shown(example: Example, tmp_path: Path) -> None:
    for command in example.commands[:2]:
        done = _ask(command, tmp_path)
        assert done.status == 0, done.err
    shown, found = (
        dict(re.findall(r"^(teacher|student|baseline) +([\d.]+) \(", text, re.M)) for text in (example.shown, done.out)
    )
    assert {name: float(value) for name, value in shown.items()} == pytest.approx(
        {name: float(value) for name, value in found.items()}, abs=TOLERANCE
    )
    for line in ("judged: ", "retention "):
        assert _line(example.shown, line) == _line(done.out, line)

    answered = _ask(example.commands[2], tmp_path).out
    shown_answer = json.loads(example.shown.splitlines()[-1])
    assert json.loads(answered)["label"] == shown_answer["label"]
    assert json.loads(answered)["scores"] == pytest.approx(shown_answer["scores"], abs=TOLERANCE)

    printed = subprocess.run(
        [sys.executable, "-c", example.code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert printed.returncode == 0, printed.stderr
    (got, got_numbers), (wanted, wanted_numbers) = skeleton(printed.stdout), skeleton(example.printed)
    assert got == wanted and got_numbers == pytest.approx(wanted_numbers, abs=TOLERANCE)


def _ask(command: tuple[str, ...], folder: Path) -> Done:
    copy = folder / EXAMPLE.relative_to(ROOT)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(EXAMPLE, copy)
    return distill(*command, cache=folder / "cache", cwd=folder)


def _accuracies(text: str) -> dict[str, float]:
    found = re.findall(r"^(teacher|student|hard-label twin|baseline) +([\d.]+) \(", text, re.MULTILINE)
    assert len(found) == 4
    return {name: float(value) for name, value in found}


def _line(text: str, start: str) -> str:
    """The line that begins so, less its numbers with a point."""
    [line] = [line for line in text.splitlines() if line.startswith(start)]
    return re.sub(r"\d+\.\d+", "#", line)
