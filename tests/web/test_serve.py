"""The page on this machine: right types, the headers that keep it to itself, and nothing but its files."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from distill.errors import DataError
from distill.web import policy, serve, site
from tests import bundles

API = "https://abc.execute-api.eu-west-1.amazonaws.com/v1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    bundles.text_bundle(root / "bundle")
    return site.build(root / "bundle", root / "page", API).folder


@pytest.fixture(scope="module")
def origin(folder: Path) -> Iterator[str]:
    with serve.listening(folder) as found:
        yield found


def get(origin: str, path: str, method: str = "GET") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(origin).netloc, timeout=10)
    connection.request(method, path)
    return connection.getresponse()


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/main.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/page.json", "application/json"),
        ("/model.onnx", "application/octet-stream"),
        (f"/{site.VENDOR}/LICENSE", "text/plain; charset=utf-8"),
    ],
)
def test_every_file_has_its_type_and_the_pages_headers(origin: str, path: str, type_: str) -> None:
    response = get(origin, path)
    assert (response.status, response.headers["content-type"]) == (200, type_)
    for name, value in policy.headers(policy.endpoint(API)).items():
        assert response.headers[name] == value
    assert API in response.headers["content-security-policy"]


def test_nothing_but_its_files_is_there(origin: str) -> None:
    assert get(origin, f"/{site.VENDOR}/").status == 404  # no list of a folder
    assert get(origin, "/../bundle/manifest.json").status == 404
    assert get(origin, "/%2e%2e/bundle/manifest.json").status == 404
    assert get(origin, "/", "POST").status == 501


def test_a_folder_without_a_page_and_a_taken_port_are_said(folder: Path, origin: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no page"), serve.listening(tmp_path):
        pass
    port = int(origin.rpartition(":")[2])
    with pytest.raises(DataError, match=f"Port {port} .* cannot be used"), serve.listening(folder, port):
        pass


def test_the_command_serves_what_it_made_until_it_is_stopped(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "distill", "web", str(folder.parent / "bundle"), "--out", str(tmp_path / "page")]
    process = subprocess.Popen([*command, "--serve", "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = next(line for line in process.stdout if line.startswith("open "))
    assert get(line.split()[1], "/index.html").status == 200
    process.terminate()
    assert process.wait(20) == 0


def test_asking_the_command_for_help_ends_well() -> None:
    done = subprocess.run([sys.executable, "-m", "distill", "web", "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
