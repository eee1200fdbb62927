"""A real headless Chromium, and the network log that it writes itself, beneath the page and its service worker."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Playwright

from infra.local.serve import Certificate

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Sent:
    """A request that left the browser, or tried to."""

    at_ms: float  # of Unix time
    method: str
    url: str
    initiator: str  # origin of the page that caused it; "not an origin" for the browser itself

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


def path() -> str:
    """Where it is. CI must have one."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have a browser: install chromium")
        pytest.skip("no Chromium on this machine")
    return found


@contextmanager
def launched(
    playwright: Playwright, trusted: Iterable[Certificate] = (), network_log: Path | None = None
) -> Iterator[Browser]:
    """A browser that trusts some certificates more. `network_log` is whole when it has ended."""
    switches = ["--no-sandbox", "--disable-dev-shm-usage"]  # as root, and where /dev/shm is small
    if pins := ",".join(certificate.pin for certificate in trusted):
        switches.append(f"--ignore-certificate-errors-spki-list={pins}")
    if network_log:
        switches.append(f"--log-net-log={network_log}")
    browser = playwright.chromium.launch(executable_path=path(), args=switches)
    try:
        yield browser
    finally:
        browser.close()


def sent(network_log: Path, origin: str) -> list[Sent]:
    """What a page of `origin` and its worker sent, and whoever else asked that origin, in the order of time."""
    log = json.loads(network_log.read_text(encoding="utf-8"))
    started = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    offset = log["constants"]["timeTickOffset"]
    found = []
    for event in log["events"]:
        it = event.get("params", {})
        if event["type"] == started and "url" in it:
            request = Sent(int(event["time"]) + offset, it.get("method", ""), it["url"], it.get("initiator", ""))
            if request.initiator == origin or request.url.startswith(f"{origin}/"):
                found.append(request)
    return found
