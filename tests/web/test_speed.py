"""What the page weighs and how fast it answers, printed beside the server's numbers."""

from __future__ import annotations

import re
import statistics
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from rich.console import Console
from rich.table import Table

from infra.local.emulator import Emulator
from tests.web import subjects, visit
from tests.web.subjects import Subject

pytestmark = pytest.mark.container

LOADS, CALLS, WARM_UP = 2, 100, 20
BATCH = 20  # calls that are timed together
MAX_MEGABYTES = 6.0  # of a first visit
MAX_FIRST_ANSWER_MS = 10_000  # on a busy machine; measured: about a tenth
_DURATION = re.compile(r'"duration_ms":([0-9.]+)')
_FIRST = "() => performance.getEntriesByName('limbeck:first-answer')[0]?.startTime ?? 0"
_WARM = """async ([row, calls]) => {
  const told = await (await fetch("page.json")).json();
  const model = await (await import("./model.js")).open(told);
  const record = (await import("./tensors.js")).check(row, told.serving);
  const started = performance.now(); // a clock of 0.1 ms: one call is not to be timed by it
  for (let i = 0; i < calls; i++) await model.predict([record]);
  return (performance.now() - started) / calls;
}"""
console = Console(width=110)


def test_weight_and_times_are_printed_beside_the_servers(
    subject: Subject, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    row = subject.examples[0]
    precached = [file for file in subject.page.files if file.is_precached]
    megabytes = sum(file.gzip_size for file in precached) / 1e6
    first: list[float] = []
    again: list[float] = []
    warm: list[float] = []
    with subjects.open_at(subject) as address:
        for _ in range(LOADS):
            context = browser.new_context()
            page = context.new_page()
            first.append(_first_answer_ms(page, address))
            visit.kept(page)
            again.append(_first_answer_ms(page, address))
            if not warm:
                page.evaluate(_WARM, [row, WARM_UP])
                warm = [page.evaluate(_WARM, [row, BATCH]) for _ in range(CALLS // BATCH * 2)]
            context.close()
    server = _function_ms(subject, row)
    table = Table(title=f"{subject.predictor.name}, one input", title_justify="left", box=None)
    for heading in ("", "in the browser", "in Python", "the function"):
        table.add_column(heading, justify="left" if not heading else "right")
    ms = statistics.median
    table.add_row("first visit, MB on the wire", f"{megabytes:.2f}", "", "")
    table.add_row("first answer after a first visit's start, ms", f"{ms(first):.0f}", "", "")
    table.add_row("the same, the page being kept, ms", f"{ms(again):.0f}", "", "")
    table.add_row("warm p50, ms", f"{ms(warm):.3f}", f"{ms(_python_ms(subject, row)):.3f}", f"{ms(server):.3f}")
    with capsys.disabled():
        console.print()
        console.print(table)
    assert megabytes < MAX_MEGABYTES
    assert ms(first) < MAX_FIRST_ANSWER_MS


def _first_answer_ms(page: Page, address: str) -> float:
    """From the start of the navigation, by somebody who presses the button as soon as it is there."""
    page.goto(address, wait_until="domcontentloaded")
    page.locator("#example").click()
    page.locator("#result").wait_for(state="visible")
    return float(page.evaluate(_FIRST))


def _python_ms(subject: Subject, row: Any) -> list[float]:  # noqa: ANN401
    durations = []
    for _ in range(WARM_UP + CALLS):
        began = time.perf_counter_ns()
        subject.predict(row)
        durations.append((time.perf_counter_ns() - began) / 1e6)
    return durations[WARM_UP:]


def _function_ms(subject: Subject, row: Any) -> list[float]:  # noqa: ANN401
    """From event to answer, by the function's own log under the emulator: no network is in it."""
    with Emulator(subject.bundle) as emulator:
        for _ in range(WARM_UP + CALLS):
            emulator.invoke({"inputs": row})
        return [float(found) for found in _DURATION.findall(emulator.log)][WARM_UP:]
