"""Bundles behind HTTPS for real clients: in their container, or under the emulator where none is to be had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from handler.bundle import contract
from handler.bundle.versions import newest
from handler.errors import BundleError
from infra.errors import LocalError
from infra.image import container
from infra.image.staging import stage
from infra.local import serve
from infra.local.serve import Endpoint
from tests import checkout, once

ROOT = Path(__file__).parents[1]
BUNDLES = ROOT / "bundles"

Serve = Callable[[Path, str], AbstractContextManager[Endpoint]]


def serve_for(origin: str, make_folder: Callable[[str], Path]) -> Serve:
    """Puts a bundle behind HTTPS, for pages of `origin` too. CI must have a container."""
    try:
        host = container.docker_host()
        base = container.base_image(host)
    except LocalError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must have a container, but: {error}")
        return lambda bundle, tag: serve.under_emulator(bundle, environment={serve.ORIGIN_VARIABLE: origin})

    def in_container(bundle: Path, tag: str) -> AbstractContextManager[Endpoint]:
        root = checkout.copy(make_folder("checkout"), tag)
        stage(bundle, root)
        container.build(host, base, lambda step: None, root)
        return serve.in_container(host, root, parameters={serve.ORIGIN_PARAMETER: origin})

    return in_container


def sealed(name: str) -> Path | None:
    """The newest bundle of this name in the checkout that this version of the handler serves."""
    try:
        bundle = newest(BUNDLES / name)
        contract.read(bundle)
    except BundleError:
        return None
    return bundle


def breast_cancer(factory: pytest.TempPathFactory) -> Path:
    """`breast-cancer`, distilled once a test run: it takes seconds."""

    def distil(folder: Path) -> None:
        command = [sys.executable, "-m", "distill", "run", "breast-cancer", "--out", str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    return newest(once.made(factory, "breast-cancer", distil) / "breast-cancer")
