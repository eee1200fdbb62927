"""Somebody at the page: what they do, and what they read. The hooks are those that page/main.js lists."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from handler.modalities.modality import Record
from handler.model.predictor import Prediction

SECONDS = 20
_EXPLAINED = """(after) => {
  const [result, counted] = [document.getElementById("result"), document.getElementById("counted")];
  return !result.hidden && Number(result.dataset.sequence) > after && !counted.classList.contains("stale");
}"""
# As typing does it, in one step: thirty fields one by one take a second.
_FILL = """(row) => {
  for (const field of document.querySelectorAll("#question [data-column]")) {
    field.value = row[field.dataset.column] ?? "";
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}"""
_READ = """() => ({
  ...document.getElementById("result").dataset,
  parts: document.getElementById("counted").dataset.parts,
  shown: document.getElementById("result").innerText,
})"""


@dataclass(frozen=True)
class Answer:
    """An answer as the page shows it."""

    prediction: Prediction
    where: str
    ms: float
    parts: list[dict[str, Any]]
    text: str  # all of it, as a person reads it


def enter(page: Page, address: str) -> None:
    """Until the model is open."""
    page.set_default_timeout(SECONDS * 1000)
    page.goto(address)
    loaded(page)


def loaded(page: Page) -> None:
    """Until the model is open, or cannot be opened."""
    page.locator("html:is([data-state=ready], [data-state=failed])").wait_for(state="attached")


def kept(page: Page) -> None:
    """Until the page has everything that it needs without a network."""
    page.locator("html[data-offline=ready]").wait_for(state="attached")


def fill(page: Page, row: Record) -> None:
    """Fill in a text, or the columns of a row and no other."""
    if isinstance(row, str):
        page.locator("#question textarea").fill(row)
        return
    page.evaluate(_FILL, dict(row))


def sequence(page: Page) -> int:
    """How many answers there were."""
    return int(page.get_attribute("#result", "data-sequence") or 0)


def ask(page: Page, row: Record) -> Answer:
    """Fill it in, and wait until it is answered and explained."""
    before = sequence(page)
    fill(page, row)
    return answered(page, before)


def answered(page: Page, before: int) -> Answer:
    """The first answer after so many that is explained, too."""
    deadline = time.monotonic() + SECONDS
    while not page.evaluate(_EXPLAINED, before):  # wait_for_function would want the page to allow eval
        assert time.monotonic() < deadline, page.locator("#problem").inner_text() or "no answer"
        page.wait_for_timeout(20)
    found = page.evaluate(_READ)
    labels = [label.get_attribute("data-label") or "" for label in page.locator("#bars > li").all()]
    prediction = Prediction(
        label=found["label"],
        score=float(found["score"]),
        scores=dict(zip(labels, json.loads(found["scores"]), strict=True)),
        abstained=found["abstained"] == "true",
        novelty=float(found["novelty"]),
    )
    return Answer(prediction, found["where"], float(found["ms"]), json.loads(found["parts"] or "[]"), found["shown"])
