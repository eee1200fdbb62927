"""Every client call of docs/clients.md and README, pasted from its text, against the function behind HTTPS."""

from __future__ import annotations

import html
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from queue import Empty

import pytest
import tree_sitter
import tree_sitter_powershell

from tests.clients import photos
from tests.clients.conftest import Page, Served
from tests.clients.page import TOLERANCE, Call, every_call, skeleton

pytestmark = pytest.mark.container

CALLS = every_call()
SECONDS = 60

# Whatever the page's code prints to the console is the answer; the page posts it to the test.
_PAGE = """<!doctype html><script>
const lines = [];
console.log = (line) => lines.push(line);
{code}
show({url}, {key})
  .catch((error) => lines.push(String(error)))
  .then(() => fetch("/said", {{ method: "POST", body: lines.join("\\n") }}));
</script>"""


def named(language: str) -> pytest.MarkDecorator:
    found = [call for call in CALLS if call.language == language]
    return pytest.mark.parametrize("call", found, ids=[call.name for call in found])


@pytest.fixture
def served(call: Call, request: pytest.FixtureRequest) -> Served:
    """What a call is for: the model of texts, the one of columns or the one of pictures."""
    found: Served = request.getfixturevalue(call.model)
    return found


def check(said: str, call: Call, served: Served) -> None:
    """Whether the answer is what docs/clients.md shows: its numbers too, unless a stand-in answered."""
    got, got_numbers = skeleton(said)
    shown, shown_numbers = skeleton(call.shown)
    assert got == shown
    if not served.is_stand_in:
        assert got_numbers == pytest.approx(shown_numbers, abs=TOLERANCE)


def run(command: list[str], served: Served, folder: Path) -> str:
    photos.photo(folder)
    done = subprocess.run(
        command,
        env=served.environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_shows_a_client_in_every_language() -> None:
    assert {call.language for call in CALLS} == {"sh", "powershell", "python", "js"}
    assert {call.model for call in CALLS} == {"text", "columns", "pictures"}
    assert {call.language for call in CALLS if call.model == "pictures"} >= {"sh", "powershell", "python"}


@named("sh")
def test_a_curl_call_answers_as_the_page_shows(call: Call, served: Served, tmp_path: Path) -> None:
    check(run(["bash", "-eu", "-c", call.code], served, tmp_path), call, served)


@named("python")
def test_a_python_client_prints_what_the_page_shows(call: Call, served: Served, tmp_path: Path) -> None:
    check(run([sys.executable, "-c", call.code], served, tmp_path), call, served)


@named("powershell")
def test_powershell_prints_what_the_page_shows(call: Call, served: Served, tmp_path: Path) -> None:
    pwsh = shutil.which("pwsh") or shutil.which("powershell")
    if pwsh is None:
        pytest.skip("no PowerShell on this machine; its syntax is checked")
    script = tmp_path / "client.ps1"
    script.write_text(call.code, encoding="utf-8-sig")  # 5.1 reads a file without the mark as ANSI
    check(run([pwsh, "-NoProfile", "-NonInteractive", "-File", str(script)], served, tmp_path), call, served)


@named("powershell")
def test_powershell_is_well_formed(call: Call) -> None:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    assert not parser.parse(call.code.encode()).root_node.has_error
    assert parser.parse(call.code.replace("}", "", 1).encode()).root_node.has_error  # it does tell


@named("js")
def test_a_page_in_a_browser_shows_what_the_page_shows(
    call: Call, served: Served, page: Page, browse: Callable[[str, Served], str]
) -> None:
    page.html = _page(call, served)
    check(browse(page.origin, served), call, served)


@named("js")
def test_a_page_of_another_origin_may_not_call(
    call: Call, served: Served, page: Page, browse: Callable[[str, Served], str]
) -> None:
    page.html = _page(call, served)
    assert "Failed to fetch" in browse(page.origin.replace("127.0.0.1", "localhost"), served)


def _page(call: Call, served: Served) -> bytes:
    url, key = (json.dumps(served.environment[name]) for name in ("LIMBECK_URL", "LIMBECK_KEY"))
    return _PAGE.format(code=call.code, url=url, key=key).encode()


@pytest.fixture
def browse(page: Page, tmp_path: Path) -> Callable[[str, Served], str]:
    """Opens an address in a headless Chromium that trusts one certificate more, and waits for what the page says."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have a browser: install chromium")
        pytest.skip("no Chromium on this machine")

    def browse(address: str, served: Served) -> str:
        command = [chromium, "--headless", "--disable-gpu", "--no-first-run", "--no-sandbox", "--disable-dev-shm-usage"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0"]
        command += [f"--ignore-certificate-errors-spki-list={served.endpoint.certificate.pin}", address]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            return page.said.get(timeout=SECONDS)
        except Empty:
            process.kill()
            pytest.fail(f"the page said nothing; the browser: {html.escape(str(process.communicate()[1][-1000:]))}")
        finally:
            process.kill()
            process.communicate()

    return browse
