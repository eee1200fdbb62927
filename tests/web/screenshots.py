"""The pictures of docs/browser.md: `python -m tests.web.screenshots BUNDLES`, of sentiment-quick and breast-cancer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer
from playwright.sync_api import Browser, sync_playwright

from handler.bundle.versions import newest
from handler.modalities.modality import Record
from tests.web import chromium, subjects, visit
from tests.web.subjects import Subject

FOLDER = Path(__file__).parents[2] / "distill" / "web" / "screenshots"
API = "https://abc123.execute-api.eu-west-1.amazonaws.com/v1"
MAX_BYTES = 150_000
TEXT = "The plot is thin, but the cast is wonderful and I laughed all the way through!"
# Made up, and hard to tell.
FIGURES = {
    "mean radius": 14.2,
    "mean texture": 21,
    "mean concave points": 0.06,
    "area error": 38,
    "worst radius": 16.6,
    "worst texture": 31,
    "worst smoothness": 0.145,
    "worst concave points": 0.15,
}
DESKTOP, PHONE = (1180, 960), (390, 844)


def main(bundles: Annotated[Path, typer.Argument(help="The folder of sealed bundles.")] = Path("bundles")) -> None:
    """Take them anew."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        text = subjects.of(newest(bundles / "sentiment-quick"), Path(folder) / "text", api=API)
        columns = subjects.of(newest(bundles / "breast-cancer"), Path(folder) / "columns")
        with chromium.launched(playwright) as browser:
            _take(browser, text, TEXT, "text-light.png", DESKTOP, "light")
            _take(browser, text, TEXT, "server-dark.png", DESKTOP, "dark", on_server=True)
            _take(browser, columns, FIGURES, "columns-dark.png", DESKTOP, "dark")
            _take(browser, text, TEXT, "phone-light.png", PHONE, "light")
            _take(browser, columns, columns.examples[1], "phone-dark.png", PHONE, "dark")


def _take(
    browser: Browser,
    subject: Subject,
    row: Record,
    name: str,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
    on_server: bool = False,
) -> None:
    is_phone = size == PHONE
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, is_mobile=is_phone, reduced_motion="reduce"
    )
    page = context.new_page()
    with subjects.open_at(subject) as address:
        visit.enter(page, address)
        for _ in range(5):  # the milliseconds are those of a model that has answered before
            visit.ask(page, row)
        if on_server:
            page.locator("label[for=where-server]").click()
            page.locator("#key").fill("0123456789")
        page.evaluate("document.activeElement.blur()")
        # On a phone, a text's answer; a form's beginning, with the answer in a line at its foot.
        top = "answer" if is_phone and subject.is_text else ""
        page.evaluate("(id) => (document.getElementById(id) ?? document.body).scrollIntoView()", top)
        page.wait_for_timeout(200)
        page.screenshot(path=FOLDER / name, full_page=subject.is_text and not is_phone)
    context.close()
    assert (FOLDER / name).stat().st_size < MAX_BYTES, name


if __name__ == "__main__":
    typer.run(main)
