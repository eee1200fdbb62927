"""What holds for every test: one thread for arithmetic, and who may run beside whom."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling

# Before anything imports numpy or torch. Tests run side by side, one a core, and what they compute is tiny.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

# One at a time, all in one worker: Docker, `sam local`, Chromium, and what is measured by the clock.
SERIAL = (
    "clients",
    "container",
    "handler/http/test_body.py",
    "handler/modalities/test_inputs.py",
    "handler/test_app.py",
    "infra/image/test_build.py",
    "infra/local",
    "web",
)
_HERE = Path(__file__).parent.name


class ByFile(LoadScopeScheduling):
    """One worker runs a whole file, so that its fixtures are made once, and one worker everything in `SERIAL`."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        is_serial = any(PurePath(file).is_relative_to(f"{_HERE}/{path}") for path in SERIAL)
        return "serial" if is_serial else file


# In place of `--dist loadgroup`, which xdist 3.8 does not do under pytest 9.2 (pytest-dev/pytest-xdist#1386).
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Whatever `--dist` says. In the order of collection: what is serial comes early, and takes longest."""
    config.option.loadscopereorder = False
    return ByFile(config, log)
