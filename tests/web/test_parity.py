"""One graph in three homes: Python's ONNX Runtime, the function in its container, a browser. They must say the same."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright

from handler.bundle.golden import TOLERANCE
from handler.errors import RequestError
from handler.modalities.cells import MAX_MARKS
from handler.modalities.register import check
from handler.model import explain
from handler.model.predictor import Prediction
from infra.local.serve import Endpoint
from tests.distill.data import odd_cells
from tests.web import chromium, subjects, visit
from tests.web.same import assert_same
from tests.web.subjects import Subject

pytestmark = pytest.mark.container

EXPLAINED = 12  # inputs

# The page's own modules, as the page uses them. Rows come as JSON, so that half a surrogate pair arrives as one.
_OPEN = """async () => {
  const told = await (await fetch("page.json")).json();
  const { open } = await import("./model.js");
  globalThis.tried = { serving: told.serving, model: await open(told) };
}"""
_PREDICT = """async (rows) => {
  const { check } = await import("./tensors.js");
  return tried.model.predict(JSON.parse(rows).map((row) => check(row, tried.serving)));
}"""
_EXPLAIN = """async (row) => {
  const { contributions } = await import("./explain.js");
  const { check } = await import("./tensors.js");
  const record = check(JSON.parse(row), tried.serving);
  const [whole] = await tried.model.predict([record]);
  const parts = await contributions(tried.model, record, whole);
  // In code points, as the API tells them.
  const place = (units) => (typeof record === "string" ? Array.from(record.slice(0, units)).length : units);
  return parts.map((part) => ("column" in part ? part : { ...part, start: place(part.start), end: place(part.end) }));
}"""
_REFUSES = """async (row) => {
  const { InputError } = await import("./cells.js");
  const { check } = await import("./tensors.js");
  try { check(JSON.parse(row), tried.serving); return "" } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message;
  }
}"""


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_page()
    visit.enter(page, address)
    page.evaluate(_OPEN)
    return page


@pytest.fixture(scope="module")
def page(browser: Browser, subject: Subject) -> Iterator[Page]:
    with subjects.open_at(subject) as address:
        found = opened(browser, address)
        yield found
        found.close()


def in_browser(page: Page, rows: list[Any], labels: tuple[str, ...]) -> list[Prediction]:
    answers = page.evaluate(_PREDICT, json.dumps(rows))
    return [Prediction(**{**it, "scores": dict(zip(labels, it["scores"], strict=True))}) for it in answers]


def in_container(endpoint: Endpoint, rows: list[Any], most: int) -> list[Prediction]:
    trusted = ssl.create_default_context(cafile=endpoint.certificate.file)
    answers: list[Any] = []
    for start in range(0, len(rows), most):
        body = json.dumps({"inputs": rows[start : start + most]}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{endpoint.url}/predict", body, headers)
        with urllib.request.urlopen(request, context=trusted) as response:
            answers += json.load(response)["predictions"]
    return [Prediction(**answer) for answer in answers]


def test_every_golden_input_gets_the_same_answer_in_all_three_homes(subject: Subject, page: Page) -> None:
    assert subject.endpoint is not None
    serving = subject.predictor.serving
    rows = list(subject.rows)
    assert len(rows) > 25
    in_python = subject.predictor.predict(rows)
    assert_same(in_container(subject.endpoint, rows, serving.limits.max_inputs), in_python)
    assert_same(in_browser(page, rows, serving.labels), in_python)
    assert_same([answer for row in rows for answer in in_browser(page, [row], serving.labels)], in_python)


def test_what_counted_for_an_answer_is_the_same_in_a_browser(subject: Subject, page: Page) -> None:
    modality, limit = subject.predictor.modality, subject.predictor.serving.limits.max_explained
    for row in [it for it in subject.rows if len(it) < 1000][-EXPLAINED:]:
        copies = explain.occlusions([row], modality, limit)
        answers = subject.predictor.predict([row, *(copy.record for copy in copies)])
        [wanted] = explain.contributions(answers, copies, 1)
        found = page.evaluate(_EXPLAIN, json.dumps(row))
        assert [_place(part) for part in found] == [_place(part) for part in wanted]
        assert [part["contribution"] for part in found] == pytest.approx(
            [part["contribution"] for part in wanted], abs=2 * TOLERANCE
        )


def test_what_the_api_refuses_the_page_refuses(subject: Subject, page: Page) -> None:
    for row in _refused(subject):
        with pytest.raises(RequestError):
            check(row, subject.predictor.serving)
        assert page.evaluate(_REFUSES, json.dumps(row))


def test_a_text_that_would_be_cut_short_on_its_way_into_the_graph_gets_no_answer(subject: Subject, page: Page) -> None:
    if subject.is_text:
        assert "NUL" in page.evaluate(_REFUSES, json.dumps("good\0bad"))


@pytest.mark.parametrize(
    "make",
    [
        subjects.opinion,
        partial(subjects.opinion, kind="gru", bits=4),
        partial(subjects.opinion, kind="mini", bits=4),
        partial(subjects.opinion, kind="bag", bits=4),
        subjects.mixed,
        partial(subjects.mixed, kind="embedded"),
        subjects.priced,
        partial(subjects.priced, abstain=None),
    ],
    ids=[
        "conv",
        "gru in four bits",
        "mini in four bits",
        "bag in four bits",
        "mlp",
        "embedded",
        "costs",
        "costs without abstaining",
    ],
)
def test_graphs_as_they_are_made_answer_alike_in_a_browser(
    playwright: Playwright,
    tmp_path: Path,
    make: Any,  # noqa: ANN401
) -> None:
    """Text and categories with every operator that a recipe may bring, where no bundle of the kind is sealed."""
    (tmp_path / "bundle").mkdir()
    make(tmp_path / "bundle")
    made = subjects.of(tmp_path / "bundle", tmp_path / "page")
    rows = list(made.rows)
    with chromium.launched(playwright) as browser, subjects.open_at(made) as address:
        found = in_browser(opened(browser, address), rows, made.predictor.serving.labels)
    assert_same(found, made.predictor.predict(rows))


def test_a_files_own_cells_get_the_answers_of_their_rows_in_a_browser(playwright: Playwright, tmp_path: Path) -> None:
    subjects.odd(tmp_path)
    made = subjects.of(tmp_path / "bundle", tmp_path / "page")
    rows = odd_cells.rows_of(tmp_path)
    with chromium.launched(playwright) as browser, subjects.open_at(made) as address:
        found = in_browser(opened(browser, address), rows, made.predictor.serving.labels)
    # Novelty is a share of few validation rows, which these are themselves: it may be a row more or less.
    for answer, wanted in zip(found, made.predictor.predict(rows), strict=True):
        assert answer.scores == pytest.approx(wanted.scores, abs=TOLERANCE)


def _place(part: dict[str, Any]) -> tuple[Any, ...]:
    return part.get("column"), part.get("start"), part.get("end")


def _refused(subject: Subject) -> list[Any]:
    serving = subject.predictor.serving
    if serving.task == "text":
        most = serving.limits.max_characters
        long = "\U0001f600" * (most + 1)
        return [7, None, True, {}, long, "half \ud83d", "\udc00 other half", "a" + "\u0301" * (MAX_MARKS + 1)]
    name = serving.inputs[0].name
    return ["text", None, {}, {name: "1"}, {name: True}, {name: 1e39}, {name: [1]}, {"unknown": 1}]
