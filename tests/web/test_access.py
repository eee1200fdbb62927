"""The page for whoever cannot point, cannot see, sees better in the dark, or holds a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.web import axe, subjects, visit
from tests.web.subjects import Subject

pytestmark = pytest.mark.container

PHONE = {"width": 360, "height": 740}
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_LISTEN = """() => {
  const spoken = document.getElementById("spoken");
  globalThis.said = [];
  const observer = new MutationObserver(() => said.push(spoken.textContent));
  observer.observe(spoken, { childList: true, characterData: true, subtree: true });
}"""
_FOCUSED = """() => {
  const it = document.activeElement;
  const shown = it.matches("input[type=radio]") ? it.nextElementSibling : it;
  const name = it === document.body ? "" : it.id || it.className || it.textContent.trim();
  return [name, getComputedStyle(shown).outlineStyle];
}"""
WIDER = """() => {
  const width = document.documentElement.clientWidth;
  const over = [...document.querySelectorAll("body *")].filter((it) => it.getBoundingClientRect().right > width + 1
    && !it.closest(".scroll, pre, .hidden"));
  return [document.documentElement.scrollWidth - width, over.map((it) => it.id || it.className || it.tagName)];
}"""


@pytest.fixture(scope="module")
def address(subject: Subject) -> Iterator[str]:
    with subjects.open_at(subject) as found:
        yield found


def faults(page: Page) -> list[tuple[str, str, str, list[Any]]]:
    """What axe finds in light and in dark: its impact, the rule, where."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(50)
        page.evaluate(axe.script())
        results = page.evaluate("(tags) => axe.run({ runOnly: tags })", _TAGS)
        assert len(results["passes"]) > 15  # it did look
        for it in results["violations"]:
            found.append((scheme, it["impact"], it["id"], [node["target"] for node in it["nodes"]]))
    return found


def test_axe_finds_nothing_in_any_state_of_the_page(subject: Subject, browser: Browser, address: str) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    visit.enter(page, address)
    assert faults(page) == []
    visit.ask(page, subject.examples[0])
    assert faults(page) == []
    before = visit.sequence(page)
    page.locator("#abstain").fill("100")
    visit.answered(page, before)
    assert faults(page) == []
    visit.fill(page, "a" * 30_000 if subject.is_text else {subject.predictor.serving.inputs[0].name: "1e39"})
    page.locator("#problem").wait_for(state="visible")
    assert faults(page) == []
    visit.fill(page, subject.examples[0])
    page.locator("label[for=where-server]").click()
    assert faults(page) == []
    page.goto(f"{address}card.html")
    assert faults(page) == []
    context.close()


def test_axe_would_find_something(subject: Subject, browser: Browser, address: str) -> None:
    page = browser.new_page()
    visit.enter(page, address)
    page.evaluate("document.querySelector('#question label').remove()")
    assert any("label" in rule for _, _, rule, _ in faults(page))
    page.close()


def test_everything_can_be_done_by_keyboard_alone(subject: Subject, browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    visit.enter(page, address)
    reached = _tab_through(page)
    fields = [f"field-{place}" for place in range(len(subject.predictor.serving.inputs))]
    assert [it for it in reached if it in fields] == fields
    assert {"example", "clear", "where-browser"} <= set(reached)
    page.locator("#field-0").focus()
    page.keyboard.type("good" if subject.is_text else "12.5")
    row: Any = "good" if subject.is_text else {subject.predictor.serving.inputs[0].name: 12.5}
    answer = visit.answered(page, 0)
    assert answer.prediction.label == subject.predict(row).label
    before = visit.sequence(page)
    page.locator("#example").focus()
    page.keyboard.press("Enter")
    assert visit.answered(page, before).prediction.label == subject.predict(subject.examples[0]).label
    page.locator("#abstain").focus()
    page.keyboard.press("End")
    assert page.locator("#abstention").is_visible()
    page.locator("#where-browser").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("html", "data-where") == "server"
    _tab_until(page, "send")
    page.locator("#clear").focus()
    page.keyboard.press("Enter")
    assert not page.locator("#result").is_visible()
    assert page.evaluate("document.activeElement.id") == "field-0"
    context.close()


def test_a_screen_reader_is_told_the_answer_once_typing_has_paused(
    subject: Subject, browser: Browser, address: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    visit.enter(page, address)
    page.evaluate(_LISTEN)
    visit.ask(page, subject.examples[1])
    visit.ask(page, subject.examples[0])
    page.wait_for_timeout(1200)
    said = [it for it in page.evaluate("said") if it]
    assert len(said) == 1
    assert subject.predict(subject.examples[0]).label in said[0]
    live = page.locator("#spoken")
    assert live.get_attribute("role") == "status" or live.get_attribute("aria-live") == "polite"
    context.close()


def test_on_a_phone_nothing_is_wider_than_the_screen(subject: Subject, browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    page = context.new_page()
    visit.enter(page, address)
    visit.ask(page, "w" * 300 if subject.is_text else subject.examples[0])
    assert page.evaluate(WIDER) == [0, []]
    page.locator("label[for=where-server]").click()
    assert page.evaluate(WIDER) == [0, []]
    page.goto(f"{address}card.html")
    assert page.evaluate(WIDER) == [0, []]
    context.close()


def test_dark_and_light_are_what_the_person_asked_for(browser: Browser, address: str) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(address)
        shades[scheme] = page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number)[0]"
        )
        context.close()
    assert shades["light"] > 200 > 60 > shades["dark"]


def _tab_through(page: Page) -> list[str]:
    """The ids of what Tab reaches, in order; each must show that it has the focus."""
    reached: list[str] = []
    page.keyboard.press("Tab")
    for _ in range(80):
        found = page.evaluate(_FOCUSED)
        if not found[0] or (reached and found[0] == reached[0]):
            break
        assert found[1] != "none", f"{found[0]} has the focus and does not show it"
        reached.append(found[0])
        page.keyboard.press("Tab")
    return reached


def _tab_until(page: Page, wanted: str) -> None:
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == wanted:
            return
    pytest.fail(f"Tab does not reach #{wanted}")
