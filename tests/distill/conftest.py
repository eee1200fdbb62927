from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Limbeck's cache in a folder of this test alone."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LIMBECK_CACHE", str(folder))
    return folder
