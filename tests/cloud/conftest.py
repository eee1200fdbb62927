"""A moto server in a process of its own, for code that speaks HTTP to AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud import server


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """Its address, on a port nobody else has."""
    with server.moto() as address:
        yield address


@pytest.fixture
def aws_environment(moto_server: str) -> dict[str, str]:
    """What a process needs to speak to the server, which starts empty for every test."""
    server.reset(moto_server)
    return server.environment(moto_server)
