from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from distill import progress
from distill.__main__ import main
from tests import once
from tests.distill.command_line import QUICK, Done, Run, Sealed, distill


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Limbeck's cache in a folder of this test alone."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LIMBECK_CACHE", str(folder))
    return folder


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`distill` in this process, which has torch already: half a minute less for this module."""

    def run(*arguments: str | Path, cache: Path, overrides: Sequence[str] = ()) -> Done:
        settings = [word for override in overrides for word in ("--set", override)]
        monkeypatch.setattr(sys, "argv", ["distill", *map(str, arguments), *settings])
        monkeypatch.setenv("LIMBECK_CACHE", str(cache))
        monkeypatch.setattr(progress.console, "quiet", False)  # as in a process of its own
        monkeypatch.chdir(tmp_path)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:  # anything else would be a traceback
            main()
            sys.exit(0)
        return Done(int(end.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """One real run, made once for all workers."""

    def seal(base: Path) -> None:
        done = distill("run", "breast-cancer", "--out", base / "out", cache=base / "cache", cwd=base, overrides=QUICK)
        assert done.status == 0, done.err
        (base / "done.json").write_text(json.dumps(asdict(done)))

    base = once.made(tmp_path_factory, "distilled", seal)
    [version] = [path for path in (base / "out" / "breast-cancer").iterdir() if path.is_dir()]
    return Sealed(version, base / "cache", Done(**json.loads((base / "done.json").read_text())))


@pytest.fixture
def ask(sealed: Sealed, tmp_path: Path) -> Run:
    def asked(*arguments: str | Path, stdin: bytes = b"") -> Done:
        return distill(*arguments, cache=sealed.cache, cwd=tmp_path, stdin=stdin)

    return asked
