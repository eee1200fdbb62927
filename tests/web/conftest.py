"""The page of a text model and of one of columns, each with its API behind it, and a browser that goes there."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests import endpoints
from tests.web import chromium, subjects
from tests.web.subjects import Subject

Launch = Callable[..., AbstractContextManager[Browser]]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    chromium.path()  # before anything is started for nothing
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def port() -> int:
    """Where pages are served that the API knows: the origin has to be told to it when it starts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session", params=["text", "columns"])
def subject(
    request: pytest.FixtureRequest, playwright: Playwright, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Subject]:
    """`sentiment-quick` where it is sealed, `breast-cancer`; the switch leads to the function in its container."""
    if request.param == "columns":
        bundle = endpoints.breast_cancer(tmp_path_factory)
    else:
        bundle = endpoints.sealed("sentiment-quick") or tmp_path_factory.mktemp("stand-in")
        if not any(bundle.iterdir()):
            subjects.opinion(bundle)
    serve = endpoints.serve_for(f"http://127.0.0.1:{port}", tmp_path_factory.mktemp)
    with serve(bundle, f"web-{request.param}") as endpoint:
        yield subjects.of(bundle, tmp_path_factory.mktemp("site") / "page", endpoint)


@pytest.fixture
def home(subject: Subject, port: int) -> Iterator[str]:
    """The page's address."""
    with subjects.open_at(subject, port) as address:
        yield address


@pytest.fixture(scope="session")
def browser(playwright: Playwright, subject: Subject) -> Iterator[Browser]:
    """One for all tests of a subject; each takes a context of its own, which knows nothing of the others."""
    assert subject.endpoint is not None
    with chromium.launched(playwright, [subject.endpoint.certificate]) as found:
        yield found


@pytest.fixture
def network_log(tmp_path: Path) -> Path:
    return tmp_path / "network.json"
