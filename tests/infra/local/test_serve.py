"""The function behind HTTPS under the emulator; tests/clients has it in its container."""

from __future__ import annotations

import base64
import socket
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from infra.aws.lambda_events import rest_event
from infra.errors import LocalError
from infra.local import serve
from infra.local.serve import Endpoint
from tests import bundles

linux = pytest.mark.skipif(sys.platform != "linux", reason="the emulator runs on Linux only")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("bundle")
    bundles.text_bundle(folder)
    with serve.under_emulator(folder) as found:
        yield found


def client(endpoint: Endpoint) -> httpx.Client:
    return httpx.Client(base_url=endpoint.url, verify=ssl.create_default_context(cafile=endpoint.certificate.file))


@linux
def test_a_client_that_trusts_the_certificate_gets_answers(endpoint: Endpoint) -> None:
    with client(endpoint) as trusting:
        assert trusting.get("/v2/health/ready").json() == {"ready": True}
        answer = trusting.post("/predict", json={"inputs": ["good"] * 8})  # over 1,000 bytes: comes gzip'd
        assert answer.headers["content-encoding"] == "gzip"
        assert len(answer.json()["predictions"]) == 8
        assert trusting.post("/predict", content=b"{").status_code == 400
        assert trusting.delete("/predict").status_code == 405
        assert trusting.options("/predict").status_code == 204


@linux
def test_a_client_that_does_not_trust_it_refuses(endpoint: Endpoint) -> None:
    with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
        httpx.get(f"{endpoint.url}/v2", trust_env=False)


@linux
def test_a_silent_or_plain_client_holds_up_nobody(endpoint: Endpoint) -> None:
    port = int(endpoint.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with client(endpoint) as trusting:
            assert trusting.get("/v2/health/live").status_code == 200


@linux
def test_a_port_that_is_taken_is_named(endpoint: Endpoint, tmp_path: Path) -> None:
    port = int(endpoint.url.rpartition(":")[2])
    bundles.text_bundle(tmp_path)
    with pytest.raises(LocalError, match=f"Port {port} .* in use"), serve.under_emulator(tmp_path, port):
        pass
    with pytest.raises(LocalError, match=f"Port {port} .* in use"), serve.in_container("", tmp_path, port):
        pass


def test_a_function_that_does_not_come_up_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".build").mkdir()
    sam = tmp_path / ".venv-sam" / "bin" / "sam"
    sam.parent.mkdir(parents=True)
    sam.write_text("#!/bin/sh\necho no such template; exit 3\n")
    sam.chmod(0o755)
    with (
        pytest.raises(LocalError, match="(?s)ended with status 3.*no such template"),
        serve.in_container("", tmp_path),
    ):
        pass


def test_the_certificate_is_for_this_machine_alone_and_short_lived(tmp_path: Path) -> None:
    made = serve.certificate(tmp_path)
    found = x509.load_pem_x509_certificate(made.key.read_bytes())
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(made.file.read_bytes()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["certificate.pem", "key.pem"]
    assert b"PRIVATE KEY" not in made.file.read_bytes()
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert {str(ip) for ip in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}
    assert found.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=7)
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert made.key.stat().st_mode & 0o077 == 0


def test_a_request_becomes_the_event_that_a_rest_api_makes_of_it() -> None:
    headers = [("Accept", "a/b"), ("X-Two", "1"), ("X-Two", "2")]
    event = rest_event("POST", "/v2/models/m%20n?a=1&a=2&b=", headers, b"\xff\x00")
    assert event["path"] == "/v2/models/m%20n"
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert event["queryStringParameters"] == {"a": "2", "b": ""}
    assert event["multiValueHeaders"] == {"Accept": ["a/b"], "X-Two": ["1", "2"]}
    assert event["headers"] == {"Accept": "a/b", "X-Two": "2"}
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == b"\xff\x00"
    assert rest_event("GET", "/", [], b"")["body"] is None
