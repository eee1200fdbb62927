"""A person at the page: what they are answered, and what leaves their browser."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.web import chromium, subjects, visit
from tests.web.same import assert_same
from tests.web.subjects import Subject

pytestmark = pytest.mark.container

KEY = "kumquat-4711"


@pytest.fixture
def page(browser: Browser, home: str) -> Iterator[Page]:
    """The page, open in a browser that was never there before."""
    context = browser.new_context()
    try:
        found = context.new_page()
        visit.enter(found, home)
        yield found
    finally:
        context.close()


def test_it_answers_what_is_typed_and_again_without_a_network_and_sends_nothing(
    subject: Subject, playwright: Playwright, network_log: Path
) -> None:
    first, *others = subject.examples
    with subjects.open_at(subject) as address:
        with chromium.launched(playwright, network_log=network_log) as browser:
            page = browser.new_page()
            visit.enter(page, address)
            visit.kept(page)
            loaded = time.time() * 1000
            answers = [visit.ask(page, row) for row in (first, others[0])]
            left = time.time() * 1000
            page.context.set_offline(True)
            answers.append(visit.ask(page, others[-1]))
            page.reload()
            visit.loaded(page)
            assert not page.locator("#result").is_visible()  # nothing that was typed is kept
            answers.append(visit.ask(page, first))
    asked = (first, others[0], others[-1], first)
    assert_same([it.prediction for it in answers], [subject.predict(row) for row in asked])
    assert {it.where for it in answers} == {"browser"}
    sent = chromium.sent(network_log, address.rstrip("/"))
    assert [it for it in sent if loaded <= it.at_ms <= left] == []
    # A browser looks for a newer service worker at every load, by itself.
    assert {it.path for it in sent if it.at_ms > left} <= {"/sw.js"}
    assert {it.method for it in sent} == {"GET"}
    assert all(it.url.startswith(address) for it in sent)
    said = network_log.read_text()
    assert all(text not in said for text in (asked if subject.is_text else ()))


def test_with_the_server_gone_it_opens_and_answers(subject: Subject, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    with subjects.open_at(subject) as address:
        visit.enter(page, address)
        visit.kept(page)
    page.goto(address)
    visit.loaded(page)
    assert_same([visit.ask(page, subject.examples[0]).prediction], [subject.predict(subject.examples[0])])
    page.goto(f"{address}card.html")
    assert page.locator("h1").first.inner_text()
    context.close()


def test_with_the_switch_on_one_request_goes_to_the_api_when_the_button_is_pressed(
    subject: Subject, playwright: Playwright, home: str, network_log: Path
) -> None:
    assert subject.endpoint is not None
    row = subject.examples[0]
    with chromium.launched(playwright, [subject.endpoint.certificate], network_log) as browser:
        page = browser.new_page()
        visit.enter(page, home)
        visit.kept(page)
        here = visit.ask(page, row)
        loaded = time.time() * 1000
        page.locator("label[for=where-server]").click()
        page.locator("#key").fill(KEY)
        visit.fill(page, row)
        page.wait_for_timeout(300)
        pressed = time.time() * 1000
        preview = page.locator("#preview").inner_text()
        before = visit.sequence(page)
        with page.expect_request(lambda request: request.method == "POST") as caught:
            page.locator("#send").click()
        there = visit.answered(page, before)
        request = caught.value
        headers = request.all_headers()
        body = request.post_data
        page.locator("label[for=where-browser]").click()
        again = visit.ask(page, subject.examples[1])
    sent = [it for it in chromium.sent(network_log, home.rstrip("/")) if it.at_ms >= loaded]
    assert all(it.at_ms >= pressed for it in sent)  # typing sent nothing
    url = f"{subject.endpoint.url}/predict"
    posted = [(it.method, it.url) for it in sent if it.method != "OPTIONS"]
    assert posted == [("POST", url)]
    assert [it.url for it in sent if it.method == "OPTIONS"] in ([], [url])  # what browsers ask first
    # It is what was shown, and the key stands nowhere but in its header.
    assert body is not None and preview.endswith(body)
    assert json.loads(body)["inputs"] == [row]
    assert headers["x-api-key"] == KEY and KEY not in preview + body
    assert "cookie" not in headers and "referer" not in headers
    assert (there.where, again.where) == ("server", "browser")
    assert_same([there.prediction, here.prediction], [subject.predict(row)] * 2)
    assert [part["contribution"] for part in there.parts] == pytest.approx(
        [part["contribution"] for part in here.parts], abs=1e-4
    )


def test_its_policy_lets_it_call_nothing_but_the_one_address(subject: Subject, page: Page) -> None:
    assert subject.endpoint is not None
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for url in (f"{subject.endpoint.url}/v2/health/live", "https://example.org/", "http://127.0.0.1:9/"):
        called = page.evaluate("(url) => fetch(url).then(() => 'went', () => 'refused')", url)
        assert called == "refused"
        assert any(url in text and "Content Security Policy" in text for text in said)
    # By a timer: what a debugger evaluates itself may do all of it.
    script = "try { done(new Function('return 1')()) } catch (error) { done(error.name) }"
    assert page.evaluate(f"() => new Promise((done) => setTimeout(() => {{ {script} }}))") == "EvalError"
    inline = "() => { document.body.insertAdjacentHTML('beforeend', '<b>x</b>') }"
    with pytest.raises(Exception, match="TrustedHTML"):
        page.evaluate(inline)


def test_what_was_typed_is_stored_nowhere(subject: Subject, page: Page, home: str) -> None:
    visit.kept(page)
    visit.ask(page, subject.examples[0])
    stored = page.evaluate(
        """async () => ({
          local: localStorage.length, session: sessionStorage.length, cookies: document.cookie,
          databases: (await indexedDB.databases()).length, state: history.state,
          kept: (await Promise.all((await caches.keys()).map(async (name) =>
            (await (await caches.open(name)).keys()).map((request) => request.url)))).flat(),
        })"""
    )
    kept = {url.removeprefix(home) for url in stored.pop("kept")}
    assert stored == {"local": 0, "session": 0, "cookies": "", "databases": 0, "state": None}
    assert kept <= {file.name for file in subject.page.files}
    assert page.url == home


def test_it_abstains_in_words_under_the_threshold_that_is_asked_for(subject: Subject, page: Page) -> None:
    answer = visit.ask(page, subject.examples[0])
    assert not answer.prediction.abstained
    before = visit.sequence(page)
    page.locator("#abstain").fill("100")
    answer = visit.answered(page, before)
    assert answer.prediction.abstained
    assert "not sure enough to answer" in answer.text


@pytest.mark.parametrize("spoil", ["model.onnx", "page.json"])
def test_a_model_that_is_not_the_sealed_one_is_not_opened(
    subject: Subject, browser: Browser, tmp_path: Path, spoil: str
) -> None:
    spoilt = subjects.of(subject.bundle, tmp_path / "page")
    path = spoilt.page.folder / spoil
    if spoil == "model.onnx":
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    else:
        told = json.loads(path.read_text())
        told["model"]["sha256"] = "0" * 64
        path.write_text(json.dumps(told))
    context = browser.new_context()
    page = context.new_page()
    with subjects.open_at(spoilt) as address:
        visit.enter(page, address)
        assert page.get_attribute("html", "data-state") == "failed"
        assert "not the sealed one" in page.locator("#state").inner_text()
        page.wait_for_timeout(200)
    context.close()


def test_without_an_api_there_is_no_switch(subject: Subject, browser: Browser, tmp_path: Path) -> None:
    alone = subjects.of(subject.bundle, tmp_path / "page")
    context = browser.new_context()
    page = context.new_page()
    with subjects.open_at(alone) as address:
        visit.enter(page, address)
        assert page.locator("#where-server, #send, #key").count() == 0
        policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
        assert "connect-src 'self';" in policy
    context.close()


def test_it_says_what_was_most_probable_and_which_mistake_decided_otherwise(
    playwright: Playwright, tmp_path: Path
) -> None:
    (tmp_path / "bundle").mkdir()
    subjects.priced(tmp_path / "bundle", abstain=None)
    made = subjects.of(tmp_path / "bundle", tmp_path / "page")
    answers = [(row, made.predict(row)) for row in made.rows if row]
    against, wanted = next(it for it in answers if it[1].decision and it[1].label != it[1].decision.most_probable)
    with chromium.launched(playwright) as browser, subjects.open_at(made) as address:
        page = browser.new_page()
        visit.enter(page, address)
        answer = visit.ask(page, against)
        assert answer.prediction.label == wanted.label == "positive"
        assert answer.prediction.score == pytest.approx(wanted.score, abs=1e-4)
        assert page.get_attribute("#result", "data-most-probable") == "negative"
        assert "but missing “positive” costs 20: “positive” costs least" in page.locator("#decision").inner_text()
