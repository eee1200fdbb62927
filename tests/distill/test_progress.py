"""Long work is never silent: a bar on a terminal, lines in a log."""

from __future__ import annotations

import io
import time

import pytest

from distill import progress


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is written where standard error is a file, with a second of patience instead of fifteen."""
    return _written(monkeypatch, is_terminal=False)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    return _written(monkeypatch, is_terminal=True)


def _written(monkeypatch: pytest.MonkeyPatch, is_terminal: bool, silence: float | None = None) -> io.StringIO:
    file = io.StringIO()
    monkeypatch.setattr(progress, "console", progress.Reporter(file=file, force_terminal=is_terminal, width=100))
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.5)
    monkeypatch.setattr(progress, "_SECONDS_OF_SILENCE", 0.7 if silence is None else silence)
    return file


def until(written: io.StringIO, text: str, times: int = 1) -> None:
    """Work until a text was written so often: a busy machine takes its time."""
    began = time.monotonic()
    while written.getvalue().count(text) < times:
        assert time.monotonic() - began < 60, written.getvalue()
        time.sleep(0.05)


def test_one_long_step_is_heard_of_in_a_log_before_it_ends(log: io.StringIO) -> None:
    with progress.waiting("soft labels"):
        until(log, "soft labels: ")


def test_a_long_first_item_is_heard_of_before_it_ends(log: io.StringIO) -> None:
    for item in progress.track([1, 2], "settings"):
        until(log, "settings: 0/2" if item == 1 else "settings: 1/2, about ")


def test_whoever_knows_how_far_it_is_speaks_for_what_is_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    log = _written(monkeypatch, is_terminal=False, silence=60)
    with progress.waiting("teacher"):
        for _ in progress.track([1], "settings"):
            until(log, "settings")
            until(log, "settings", 2)
    assert "teacher" not in log.getvalue()


def test_short_work_leaves_no_line(log: io.StringIO) -> None:
    with progress.waiting("teacher"):
        assert list(progress.track([1, 2], "settings")) == [1, 2]
    assert log.getvalue() == ""


def test_a_terminal_shows_work_inside_of_work(terminal: io.StringIO) -> None:
    with progress.waiting("teacher"):
        for _ in progress.track([1], "settings"):
            until(terminal, "teacher")
            until(terminal, "settings")
            progress.say("a line")
    assert "a line" in terminal.getvalue()


def test_quiet_work_is_spoken_for_by_what_is_around_it(log: io.StringIO) -> None:
    with progress.waiting("fold 1 of 10"), progress.quiet():
        progress.say("not this")
        for _ in progress.track([1], "nor this"):
            until(log, "fold 1 of 10")
    assert "this" not in log.getvalue()
